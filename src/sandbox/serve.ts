import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { sandboxSettings } from './settings.ts';
import type { Receiver } from './webhooks/delivery.ts';
import { generateSecret } from './webhooks/webhook.ts';

/** Prints the problems, one per line, and exits with code 1. */
function fail(problems: readonly string[]): never {
  process.stderr.write(`The sandbox cannot start:\n${problems.map((problem) => `  ${problem}\n`).join('')}`);
  process.exit(1);
}

interface ServeOptions extends SandboxOptions {
  receiver: Receiver | undefined;
  /** A generated secret is printed, a configured one is not. */
  isSecretGenerated: boolean;
}

function readOptions(): ServeOptions {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const { data, error } = z.object(sandboxSettings).safeParse(environment);
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
    receiver: url && { url, secret: secret ?? generateSecret() },
    isSecretGenerated: secret === undefined,
  };
}

async function open(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await createSandbox(options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    fail([`SANDBOX_PORT: cannot listen (${reason}); expected a free port, such as 4100, or 0`]);
  }
}

function isHelpRequested(): boolean {
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
  return `Sandbox: a local server of the fine-tuning jobs REST API, with generated jobs that run.

Usage:
  npm run sandbox             start the sandbox; it accepts any API key
  npm run sandbox -- --help   print this help

The sandbox serves all endpoints: files, jobs (create, cancel, pause, resume), events, checkpoints, models, checkpoint
permissions (with the admin key only) and graders. It computes string checks, text similarities and formulas. Results
of Python and of models are generated; equal inputs have equal results. Uploads are stored in a folder under
${tmpdir()}, which is removed when the sandbox stops.

Settings (environment variables):
${lines.join('')}`;
}

async function serve(): Promise<void> {
  const options = readOptions();
  const { baseUrl, adminKey, storageProblem, sendWebhooks, dispose } = await open(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, dispose);
  if (storageProblem !== null) process.stderr.write(`Warning: ${storageProblem}\n`);
  const { receiver, isSecretGenerated } = options;
  if (receiver) {
    sendWebhooks(receiver);
    const secret = isSecretGenerated ? receiver.secret : 'SANDBOX_WEBHOOK_SECRET';
    process.stdout.write(`Webhooks are sent to ${receiver.url}, signed with ${secret}\n`);
  }
  if (options.dialect === 'openai' && options.adminKey === undefined)
    process.stdout.write(`Checkpoint permissions need the admin key ${adminKey}\n`);
  const query = options.dialect === 'azure' ? 'api-version=2024-10-21&' : '';
  process.stdout.write(
    `The sandbox listens on ${baseUrl} (speed ${options.speed}, seed ${options.seed}). Any API key is accepted:\n` +
      `  curl -H 'Authorization: Bearer any-key' '${baseUrl}/fine_tuning/jobs?${query}limit=3'\n`,
  );
}

if (isHelpRequested()) process.stdout.write(help());
else await serve();
