import { type DestinationStream, type Logger, pino } from 'pino';
import { escapeUnsafe } from './unsafe-characters.ts';

export type { Logger };

/** Minimum characters of a redacted secret: a shorter one can occur in unrelated text. */
const MIN_SECRET_LENGTH = 8;

export interface LogOptions {
  level: string;
  /** Texts that are redacted in every line. */
  secrets: readonly string[];
  /** Defaults to standard output. */
  destination?: DestinationStream;
}

/** Creates the logger of the gateway: one JSON object per line. */
export function createLogger({ level, secrets, destination = standardOutput() }: LogOptions): Logger {
  const redacted = secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH);
  const redact = (line: string) =>
    escapeUnsafe(redacted.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line));
  return pino({ level, base: null, hooks: { streamWrite: redact } }, destination);
}

function standardOutput(): DestinationStream {
  return pino.destination({ dest: 1, sync: false });
}
