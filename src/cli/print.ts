import { escapeUnsafe } from '../telemetry/unsafe-characters.ts';

/** Prints a line on standard error. */
export const print = (text: string) => process.stderr.write(`${escapeUnsafe(text)}\n`);

/** Prints a message that says what to change, without a stack, and exits with 1. */
export function fail(message: string): never {
  print(message);
  process.exit(1);
}
