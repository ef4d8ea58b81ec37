import { type DestinationStream, type Logger, pino } from 'pino';
import { traceIds } from './trace-context.ts';
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
  const options = { level, base: null, hooks: { streamWrite: redact }, mixin: traceOf, mixinMergeStrategy: withTrace };
  return pino(options, destination);
}

function standardOutput(): DestinationStream {
  return pino.destination({ dest: 1, sync: false });
}

/** Returns the trace of the request that a line is about. */
function traceOf({ requestId }: { requestId?: unknown }): { traceId?: string } {
  const traceId = traceIds.size === 0 ? undefined : traceIds.get(String(requestId));
  return traceId === undefined ? NO_TRACE : { traceId };
}

const NO_TRACE = {};

const withTrace = (line: object, trace: object) => (trace === NO_TRACE ? line : { ...line, ...trace });
