import { systemClock } from '../clock.ts';
import { type Arguments, help, readArguments } from './arguments.ts';
import { showTerminal } from './terminal.ts';
import { UsageError } from './terminal-errors.ts';

// The script behind `npm run watch`.

/** Resolves to the exit code. */
async function show({ url, token, jobId }: Arguments): Promise<number> {
  const output = process.stdout;
  const isColored = Boolean(output.isTTY) && !process.env['NO_COLOR'];
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  output.on('error', () => process.exit(0)); // The reader of a pipe has closed it.
  const terminal = showTerminal({ url, token, jobId, output, isColored, clock: systemClock, signal: stopping.signal });
  output.on('resize', terminal.refresh);
  setInterval(terminal.refresh, 1000); // Also keeps the process alive while it reconnects.
  const hasSucceeded = await terminal.ended;
  if (hasSucceeded === null) return jobId === undefined ? 0 : 130;
  return hasSucceeded ? 0 : 1;
}

async function run(): Promise<number> {
  try {
    const args = readArguments(process.argv.slice(2), process.env);
    if (!args.wantsHelp) return await show(args);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

process.exit(await run());
