import { parseArgs } from 'node:util';
import type { Environment } from '../config/upstream-kind.ts';
import { version } from '../version.ts';
import { fail } from './print.ts';

function readArguments() {
  try {
    const check = { type: 'boolean' } as const;
    const help = { type: 'boolean', short: 'h' } as const;
    const version = { type: 'boolean', short: 'v' } as const;
    return parseArgs({ options: { check, help, version } }).values;
  } catch (error) {
    fail(`${error instanceof Error ? error.message : error}\nSee: npm start -- --help`);
  }
}

/** Runs what the command line asks for, and loads only the code of that. */
export async function run(environment: Environment): Promise<void> {
  const options = readArguments();
  if (options.help) {
    const { help } = await import('./help.ts');
    process.stdout.write(help());
  } else if (options.version) {
    process.stdout.write(`${version}\n`);
  } else if (options.check) {
    const { checkUpstream } = await import('./check-upstream.ts');
    await checkUpstream(environment);
  } else {
    const { start } = await import('./start.ts');
    await start(environment);
  }
}
