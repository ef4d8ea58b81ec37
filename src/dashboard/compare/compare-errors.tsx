import { canPass, type RequestError } from '../data/request-error.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { retryJobs } from './compare-store.ts';

/** Why jobs could not be read: one notice for the jobs with the same error. */
export function CompareErrors({ errors }: { errors: ReadonlyMap<string, RequestError> }) {
  return (
    <>
      {groupErrors(errors).map(({ error, jobIds }) => (
        <ErrorNotice
          key={jobIds[0]}
          error={{ ...error, message: messageOf(error, jobIds) }}
          {...(canPass(error) ? { onRetry: () => retryJobs(jobIds) } : {})}
        />
      ))}
    </>
  );
}

interface ErrorGroup {
  readonly error: RequestError;
  readonly jobIds: readonly string[];
}

function groupErrors(errors: ReadonlyMap<string, RequestError>): readonly ErrorGroup[] {
  const groups = Map.groupBy(errors, ([, { code, message }]) => `${code} ${message}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ error: first[1], jobIds: group.map(([id]) => id) }] : [];
  });
}

function messageOf({ message }: RequestError, jobIds: readonly string[]): string {
  const [id = ''] = jobIds;
  return message.includes(id) ? message : `${jobIds.join(', ')}: ${message}`;
}
