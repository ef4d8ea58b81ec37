import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** A shorter secret is not redacted: it would be cut out of other texts. */
const MIN_SECRET_LENGTH = 8;

// Control characters that JSON lets through, and terminals obey.
const C1 = /[\u007f-\u009f]/g;

export interface LogOptions {
  level: string;
  /** Texts that no line may contain, whatever it tells. */
  secrets: readonly string[];
  /** Where the lines go; standard output by default, pretty on a terminal. */
  destination?: DestinationStream;
}

export function createLogger({ level, secrets, destination = standardOutput() }: LogOptions): Logger {
  const hidden = secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const clean = (line: string) =>
    hidden.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line).replace(C1, '');
  return pino({ level, base: null, hooks: { streamWrite: clean } }, destination);
}

function standardOutput(): DestinationStream {
  return process.stdout.isTTY
    ? pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ dest: 1, sync: false });
}
