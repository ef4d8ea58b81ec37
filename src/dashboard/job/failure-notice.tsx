import { isHidden } from '../actions/denial.ts';
import { startHref } from '../app/router.ts';
import { contentUrl } from '../data/download.ts';
import { session } from '../data/session.ts';
import { DownloadLink } from '../ui/download-link.tsx';
import { adviceFor } from './failure-advice.ts';
import type { JobDetails } from './job-store.ts';

/** Why a job has failed, and what to do, with links to it that the role of the caller allows. */
export function FailureNotice({ job }: { job: JobDetails }) {
  const { id, status, error } = job;
  if (error === null && status !== 'FAILED') return null;
  const { meaning, todo, file: kind } = adviceFor(error?.code ?? null);
  const file = kind === undefined ? null : kind === 'training' ? job.trainingFile : job.validationFile;
  const canClone = session.value !== null && !isHidden(session.value.viewer.createFineTuningJobDenial);
  return (
    <section class="notice notice-error" aria-label="Failure">
      <p>
        <strong>{meaning}</strong>
      </p>
      {error?.message && <p>“{error.message}”</p>}
      <p>{todo}</p>
      {(canClone || file?.contentUrl) && (
        <p class="failure-links">
          {canClone && <a href={`${startHref}?from=${encodeURIComponent(id)}`}>Start a job with these settings</a>}
          {file?.contentUrl && (
            <DownloadLink url={contentUrl(file.contentUrl)} filename={file.filename ?? file.id} isPlain>
              Contents of the {kind} file
            </DownloadLink>
          )}
        </p>
      )}
      <p class="quiet">
        {[error?.code, error?.param && `at ${error.param}`].filter(Boolean).join(', ') ||
          'The upstream reports no code.'}
      </p>
    </section>
  );
}
