// Common to the benchmarks, each a program of its own.

/** Prints a line about the progress. The result goes to standard output. */
export const print = (line: string) => void process.stderr.write(`${line}\n`);

/** Returns the value of an option. Throws unless it is a whole number from 1 to `max`. */
export function wholeNumber(option: string, text: string, max: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= max) return number;
  throw new Error(`--${option}: ${text} is not a whole number from 1 to ${max}.`);
}

/** Runs a program. An interrupted one fails at its next step, and stops its processes as after any other failure. */
export async function runProgram(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
  try {
    await main(interruption.signal);
  } catch (error) {
    const isInterrupted = interruption.signal.aborted; // The error follows from the interruption then.
    print(isInterrupted ? 'Interrupted.' : String(error instanceof Error ? error.message : error));
    process.exitCode = isInterrupted ? 130 : 1;
  }
}
