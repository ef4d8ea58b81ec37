/** Something that whoever runs the picture can change, in one plain sentence. */
export class UsageError extends Error {
  override readonly name = 'Fault';
}

/** What the gateway refuses: the code and the message of its first error. */
export class RejectedError extends Error {
  override readonly name = 'Refused';
  readonly code: string | undefined;

  constructor(errors: unknown) {
    const [first] = Array.isArray(errors) ? errors : [];
    super(String(Object(first).message ?? 'The gateway gives no reason.'));
    this.code = Object(Object(first).extensions).code;
  }
}

/** The code of the close of a socket by which a gateway refuses who its caller says it is. */
const FORBIDDEN = 4403;

/** Whether trying again can help: not when the gateway does not know the token. */
export const isForbidden = (error: unknown): boolean => Object(error).code === FORBIDDEN;

/** What was asked, and as whom. */
interface Asked {
  readonly url: string;
  readonly token: string | undefined;
  readonly jobId: string | undefined;
}

/** What to change about an end of the feed; anything unknown is thrown on. */
export function usageErrorOf(error: unknown, { url, token, jobId }: Asked): UsageError {
  if (error instanceof UsageError) return error;
  if (error instanceof RejectedError) {
    const isAbsent = error.code === 'NOT_FOUND';
    return new UsageError(
      isAbsent ? `The gateway at ${url} has no job ${jobId}` : `The gateway refuses: ${error.message}`,
    );
  }
  if (isForbidden(error)) {
    const hint =
      token !== undefined ? 'expected one that its file of tokens has' : 'set GATEWAY_TOKEN, or name a --token-file';
    return new UsageError(`The gateway at ${url} refuses the token: ${hint}`);
  }
  const { code, reason, message, error: cause } = Object(error);
  if (typeof reason === 'string')
    return new UsageError(`The gateway at ${url} hung up (${code}${reason && `, ${reason}`})`);
  if (cause === undefined) throw error;
  const why = Object(cause).code ?? message;
  return new UsageError(`No gateway answers at ${url} (${why}); start it with npm start, or name it with --url`);
}
