import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** Minimum characters of a redacted secret: a shorter one can occur in unrelated text. */
const MIN_SECRET_LENGTH = 8;

// Control characters that JSON does not escape and terminals interpret.
const C1 = /[\u007f-\u009f]/g;

export interface LogOptions {
  level: string;
  /** Texts that are redacted in every line. */
  secrets: readonly string[];
  /** Defaults to standard output, pretty-printed on a terminal. */
  destination?: DestinationStream;
}

/** Creates the logger of the gateway: one JSON object per line. */
export function createLogger({ level, secrets, destination = standardOutput() }: LogOptions): Logger {
  const redacted = secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const redact = (line: string) =>
    redacted.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line).replace(C1, '');
  return pino({ level, base: null, hooks: { streamWrite: redact } }, destination);
}

function standardOutput(): DestinationStream {
  return process.stdout.isTTY
    ? pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ dest: 1, sync: false });
}
