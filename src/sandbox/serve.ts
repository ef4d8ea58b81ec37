import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { sandboxSettings } from './settings.ts';

/** Ends the process with plain sentences, each naming the setting at fault. */
function fail(faults: readonly string[]): never {
  process.stderr.write(`The sandbox cannot start:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
  process.exit(1);
}

function readOptions(): SandboxOptions {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const { data, error } = z.object(sandboxSettings).safeParse(given);
  if (error) fail(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  const onError = (error: unknown) => process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  return {
    clock: systemClock,
    port: data.SANDBOX_PORT,
    speed: data.SANDBOX_SPEED,
    seed: data.SANDBOX_SEED,
    flavour: data.SANDBOX_FLAVOUR,
    onError,
  };
}

async function open(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await createSandbox(options);
  } catch (error) {
    fail([`SANDBOX_PORT: cannot listen there (${error instanceof Error ? error.message : error})`]);
  }
}

const options = readOptions();
const { baseUrl, dispose } = await open(options);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, dispose);
process.stdout.write(
  `The sandbox listens on ${baseUrl} (speed ${options.speed}, seed ${options.seed}). Any key will do:\n` +
    `  curl -H 'Authorization: Bearer any-key' '${baseUrl}/fine_tuning/jobs?${options.flavour === 'azure' ? 'api-version=2024-10-21&' : ''}limit=3'\n`,
);
