import type { ErrorCode } from '../schema/errors.ts';
import { jsonReply, type Reply } from './reply.ts';

/** Thrown when an HTTP request is not answered, before GraphQL is reached or because of what the document asks. */
export class Refusal extends Error {
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
    this.code = code;
    this.status = status;
    this.headers = headers;
    this.code = code;
  }

  /** In the form in which GraphQL clients expect an error. */
  toReply(): Reply {
    const { status, message, headers, code } = this;
    return jsonReply(status, { errors: [{ message, extensions: { code } }] }, headers);
  }
}
