import type { ErrorCode } from '../../schema/core/errors.ts';
import { escapeUnsafe } from '../../telemetry/unsafe-characters.ts';
import { errorReply, type Reply } from './reply.ts';

/** Thrown to reject an HTTP request with this status, before execution begins. The message is sent to the client. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: ErrorCode;

  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    code: ErrorCode = 'BAD_REQUEST',
  ) {
    super(escapeUnsafe(message)); // It may quote the request.
    this.status = status;
    this.headers = headers;
    this.code = code;
  }

  toReply(): Reply {
    const { status, message, headers, code } = this;
    return errorReply(status, { message, extensions: { code } }, headers);
  }
}
