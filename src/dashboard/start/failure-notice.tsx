import { jobHref } from '../app/router.ts';
import { ErrorCode } from '../ui/error-notice.tsx';
import type { CreateFailure } from './create-job.ts';

/** Why no job was created, and what to do. */
export function FailureNotice({ failure, onRenewKey }: { failure: CreateFailure; onRenewKey: () => void }) {
  const { code, message, advice, errors, others, isKeyUsed, conflictingJobId } = failure;
  return (
    <div class="notice notice-error" role="alert" tabIndex={-1} data-failure={code}>
      <p>{message}</p>
      {others.length > 0 && (
        <ul>
          {others.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {advice !== '' && <p>{advice}</p>}
      {isKeyUsed && (
        <div class="notice-actions">
          {conflictingJobId && <a href={jobHref(conflictingJobId)}>Show the job {conflictingJobId}</a>}
          <button type="button" class="button" onClick={onRenewKey}>
            Use a new key, to start one more job
          </button>
        </div>
      )}
      {Object.keys(errors).length === 0 && <ErrorCode code={code} />}
    </div>
  );
}
