import type { RequestError } from '../data/request-error.ts';
import { isTokenDeclined } from '../data/token.ts';

/** Why an operation failed. */
export type Failure = Pick<RequestError, 'code' | 'message'>;

/** Codes whose message says all. Others help in a search of logs and docs. */
const PLAIN = new Set([
  'ABORTED',
  'BAD_USER_INPUT',
  'CONFLICT',
  'FORBIDDEN',
  'NETWORK',
  'NOT_FOUND',
  'UNAUTHENTICATED',
]);

/** The code of an error as a note below its message; nothing when the message says all. */
export const ErrorCode = ({ code }: { code: string }) =>
  PLAIN.has(code) ? null : <p class="quiet error-code">Error code: {code}</p>;

/** A failure of a request, with a way to try it again. */
export function ErrorNotice({ error, onRetry }: { error: RequestError; onRetry?: () => void }) {
  if (error.code === 'UNAUTHENTICATED' && isTokenDeclined.value) return null; // The shell offers to enter a token.
  return (
    <div class="notice notice-error" role="alert">
      <p>{error.message}</p>
      <ErrorCode code={error.code} />
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
