/** A problem that the user can solve. The message says how, in one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** GraphQL errors instead of data: the code and the message of the first one. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError';
  readonly code: string | undefined;

  constructor(errors: unknown) {
    const [first] = Array.isArray(errors) ? errors : [];
    super(String(Object(first).message ?? 'The gateway gives no reason.'));
    this.code = Object(Object(first).extensions).code;
  }
}

/** Close code of a WebSocket whose credential the gateway rejects (graphql-ws). */
const FORBIDDEN = 4403;

/** Whether the gateway rejected the token, so that a retry is useless. */
export const isForbidden = (error: unknown): boolean => Object(error).code === FORBIDDEN;

interface RequestFacts {
  readonly url: string;
  readonly token: string | undefined;
  readonly jobId: string | undefined;
}

/** The UsageError for the end of a subscription. Rethrows an unknown error. */
export function usageErrorOf(error: unknown, { url, token, jobId }: RequestFacts): UsageError {
  if (error instanceof UsageError) return error;
  if (error instanceof RejectedError) {
    if (error.code === 'NOT_FOUND') return new UsageError(`The gateway at ${url} has no job ${jobId}; check its id.`);
    return new UsageError(`The gateway at ${url} rejected the request: ${error.message}`);
  }
  if (isForbidden(error)) {
    return new UsageError(
      token === undefined
        ? `The gateway at ${url} requires a token; set GATEWAY_TOKEN, or use --token-file.`
        : `The gateway at ${url} rejected the token; use one of its token file.`,
    );
  }
  const { code, reason, message, error: cause } = Object(error);
  if (typeof reason === 'string') {
    return new UsageError(`The gateway at ${url} closed the connection (${code}${reason && `, ${reason}`}).`);
  }
  if (cause === undefined) throw error;
  const why = Object(cause).code ?? message;
  return new UsageError(`No gateway responds at ${url} (${why}); start one with npm start, or set its URL with --url.`);
}
