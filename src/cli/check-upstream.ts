import { systemClock } from '../clock.ts';
import type { Environment } from '../config/upstream-kind.ts';
import { escapeUnsafe } from '../telemetry/unsafe-characters.ts';
import { check } from './check.ts';
import { createLog, exitOnListenError, readSettings } from './startup.ts';

/** `--check`: prints the result on standard output; the exit code is 1 when the upstream is not usable. */
export async function checkUpstream(environment: Environment): Promise<void> {
  const config = readSettings(environment);
  const printLine = (line: string) => process.stdout.write(`${escapeUnsafe(line)}\n`);
  const isUsable = await exitOnListenError(check(config, await createLog(config), systemClock, printLine), config);
  process.exitCode = isUsable ? 0 : 1;
}
