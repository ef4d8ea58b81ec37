import type { ErrorCode } from '../../schema/core/errors.ts';
import { errorReply, type Reply } from './reply.ts';

/** Thrown when an HTTP request is not answered, before GraphQL is reached or because of what the document asks. */
export class HttpError extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: ErrorCode;

  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    code: ErrorCode = 'BAD_REQUEST',
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.code = code;
  }

  toReply(): Reply {
    const { status, message, headers, code } = this;
    return errorReply(status, { message, extensions: { code } }, headers);
  }
}
