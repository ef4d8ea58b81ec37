import { type DestinationStream, type Logger, pino } from 'pino';
import { traceIds } from './trace-context.ts';
import { escapeUnsafe } from './unsafe-characters.ts';

export type { Logger };

/** The log of a gateway. */
export interface GatewayLog extends Logger {
  /** Redacts a further secret in all later lines. */
  addSecret(secret: string): void;
  /** Redacts the secrets in a text, and escapes unsafe characters, as in the lines of the log. */
  redact(text: string): string;
}

/** Minimum characters of a redacted secret: a shorter one can occur in unrelated text. */
const MIN_SECRET_LENGTH = 8;
/** Maximum number of redacted secrets. Beyond it, the first one that was added is forgotten. */
const MAX_SECRETS = 100;

export interface LogOptions {
  level: string;
  /** Texts that are redacted in every line. */
  secrets: readonly string[];
  /** Defaults to standard output. */
  destination?: DestinationStream;
}

/** Creates the logger of the gateway: one JSON object per line. */
export function createLogger({ level, secrets, destination = standardOutput() }: LogOptions): GatewayLog {
  const isRedactable = ({ length }: string) => length >= MIN_SECRET_LENGTH;
  const redacted = secrets.filter(isRedactable);
  const redact = (line: string) =>
    escapeUnsafe(redacted.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line));
  const options = { level, base: null, hooks: { streamWrite: redact }, mixin: traceOf, mixinMergeStrategy: withTrace };
  const log = pino(options, destination);
  return Object.assign(log, {
    redact,
    addSecret(secret: string) {
      if (!isRedactable(secret) || redacted.includes(secret)) return;
      redacted.push(secret);
      if (redacted.length > MAX_SECRETS) redacted.splice(secrets.length, 1);
    },
  });
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
