import type { GraphQLError } from 'graphql';
import { HttpError } from '../http/http-error.ts';
import { errorReply, type Reply } from '../http/reply.ts';

/** Thrown when a request goes past a limit that has an HTTP status of its own. */
export class LimitError extends HttpError {
  readonly error: GraphQLError;

  constructor(status: number, error: GraphQLError, headers?: Readonly<Record<string, string>>) {
    super(status, error.message, headers);
    this.error = error;
  }

  override toReply(): Reply {
    const { message, extensions } = this.error;
    return errorReply(this.status, { message, extensions }, this.headers);
  }
}
