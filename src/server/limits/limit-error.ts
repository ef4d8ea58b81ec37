import type { GraphQLError } from 'graphql';
import { HttpError } from '../http/http-error.ts';
import { errorReply, type Reply } from '../http/reply.ts';

/** Thrown when a request exceeds a limit that has an HTTP status, such as 429. Carries the GraphQL error. */
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
