import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { sandboxSettings } from './settings.ts';
import type { Receiver } from './webhooks/delivery.ts';
import { makeSecret } from './webhooks/webhook.ts';

/** Ends the process with plain sentences, each naming the setting at fault. */
function fail(faults: readonly string[]): never {
  process.stderr.write(`The sandbox cannot start:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
  process.exit(1);
}

interface ServeOptions extends SandboxOptions {
  receiver: Receiver | undefined;
  /** Whether the receiver's secret was made up, so that somebody has to be told. */
  hasNewSecret: boolean;
}

function readOptions(): ServeOptions {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const { data, error } = z.object(sandboxSettings).safeParse(given);
  if (error) fail(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  const { SANDBOX_WEBHOOK_URL: url, SANDBOX_WEBHOOK_SECRET: secret } = data;
  const onError = (error: unknown) => process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return {
    clock: systemClock,
    port: data.SANDBOX_PORT,
    speed: data.SANDBOX_SPEED,
    seed: data.SANDBOX_SEED,
    dialect: data.SANDBOX_DIALECT,
    adminKey: data.SANDBOX_ADMIN_KEY,
    quota: { concurrent: data.SANDBOX_CONCURRENT_JOBS, perDay: data.SANDBOX_JOBS_PER_DAY },
    onError,
    receiver: url && { url, secret: secret ?? makeSecret() },
    hasNewSecret: secret === undefined,
  };
}

async function open(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await createSandbox(options);
  } catch (error) {
    fail([`SANDBOX_PORT: cannot listen there (${error instanceof Error ? error.message : error})`]);
  }
}

/** Whether only the manual is wanted. */
function wantsHelp(): boolean {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } } }).values.help === true;
  } catch (error) {
    fail([`${error instanceof Error ? error.message : error}`, 'See: npm run sandbox -- --help']);
  }
}

function help(): string {
  const lines = Object.entries(sandboxSettings).map(
    ([name, schema]) => `  ${name.padEnd(24)} ${schema.description} (default: ${schema.parse(undefined) ?? 'none'})\n`,
  );
  return `The sandbox: a fine-tuning jobs REST API with made-up jobs that move, alone.

Usage:
  npm run sandbox             starts it; it takes any key
  npm run sandbox -- --help   shows this

It answers every read and write of that API: files, jobs (create, cancel, pause, resume), their events and checkpoints,
models, permissions of checkpoints (for its admin key only) and graders. String checks, similarities of texts and
formulas are really computed; what Python or a model would answer is made up, and is the same each time. Uploads lie in
a folder of their own under ${tmpdir()} until it ends.

Settings, read from the environment:
${lines.join('')}`;
}

async function serve(): Promise<void> {
  const options = readOptions();
  const { baseUrl, adminKey, sendWebhooks, dispose } = await open(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, dispose);
  const { receiver, hasNewSecret } = options;
  if (receiver) {
    sendWebhooks(receiver);
    const secret = hasNewSecret ? receiver.secret : 'SANDBOX_WEBHOOK_SECRET';
    process.stdout.write(`It sends webhooks to ${receiver.url}, signed with ${secret}\n`);
  }
  if (options.dialect === 'openai' && options.adminKey === undefined)
    process.stdout.write(`Permissions of checkpoints take the admin key ${adminKey}\n`);
  const query = options.dialect === 'azure' ? 'api-version=2024-10-21&' : '';
  process.stdout.write(
    `The sandbox listens on ${baseUrl} (speed ${options.speed}, seed ${options.seed}). Any key will do:\n` +
      `  curl -H 'Authorization: Bearer any-key' '${baseUrl}/fine_tuning/jobs?${query}limit=3'\n`,
  );
}

if (wantsHelp()) process.stdout.write(help());
else await serve();
