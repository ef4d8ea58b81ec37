import { systemClock } from '../clock.ts';
import { type Arguments, help, readArguments } from './arguments.ts';
import { showTerminal } from './terminal.ts';
import { UsageError } from './terminal-errors.ts';

// The script behind `npm run watch`.

async function show({ url, token, jobId }: Arguments): Promise<number> {
  const output = process.stdout;
  const isColored = Boolean(output.isTTY) && !process.env['NO_COLOR'];
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  process.on('SIGINT', leave).on('SIGTERM', leave);
  output.on('error', () => process.exit(0)); // Whoever read the lines has gone.
  const showing = showTerminal({ url, token, jobId, output, isColored, clock: systemClock, signal: leaving.signal });
  output.on('resize', showing.refresh);
  setInterval(showing.refresh, 1000); // Also keeps the process while it waits for the gateway.
  const hasSucceeded = await showing.ended;
  if (hasSucceeded === null) return jobId === undefined ? 0 : 130;
  return hasSucceeded ? 0 : 1;
}

async function run(): Promise<number> {
  try {
    const given = readArguments(process.argv.slice(2), process.env);
    if (!given.wantsHelp) return await show(given);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

process.exit(await run());
