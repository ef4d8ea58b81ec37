import { useEffect, useMemo } from 'preact/hooks';
import { JobActions } from '../actions/job-actions.tsx';
import { Page } from '../app/page.tsx';
import { boardHref } from '../app/router.ts';
import { graphUrl } from '../data/graphql-client.ts';
import { readToken } from '../data/token.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { asCurl, asGraphql } from './as-text.ts';
import { CurvePanel } from './curve-panel.tsx';
import { Events } from './events.tsx';
import { Facts } from './facts.tsx';
import { FailureNotice } from './failure-notice.tsx';
import { createJobStore, type JobStore } from './job-store.ts';
import { Summary } from './summary.tsx';

export function JobPage({ jobId }: { jobId: string }) {
  const store = useMemo(() => createJobStore(jobId), [jobId]);
  useEffect(() => store.start(), [store]);
  const { job, isMissing, error, load } = store;
  if (isMissing.value) return <MissingJob jobId={jobId} />;
  return (
    <Page title={job.value?.suffix || jobId} actions={<Actions jobId={jobId} store={store} />}>
      {error.value && <ErrorNotice error={error.value} onRetry={load} />}
      {job.value !== null && <Content store={store} />}
    </Page>
  );
}

function Content({ store: { job, fieldErrors, curve, events, estimate } }: { store: JobStore }) {
  if (job.value === null) return null;
  return (
    <>
      <Summary job={job.value} />
      <FailureNotice job={job.value} />
      <div class="job-columns">
        <div class="job-main">
          <CurvePanel job={job.value} store={curve} />
          <Events store={events} isLive={!job.value.isTerminal} />
        </div>
        <Facts job={job.value} errors={fieldErrors.value} estimates={estimate} />
      </div>
    </>
  );
}

function Actions({ jobId, store: { job, startMutation } }: { jobId: string; store: JobStore }) {
  return (
    <>
      {job.value !== null && (
        <div class="job-actions">
          <JobActions job={job.value} startMutation={startMutation} />
        </div>
      )}
      <CopyButton text={asGraphql(jobId)} label="query of this job">
        Copy as GraphQL
      </CopyButton>
      <CopyButton text={asCurl(jobId, graphUrl().href, readToken() !== null)} label="command for this job">
        Copy as curl
      </CopyButton>
    </>
  );
}

function MissingJob({ jobId }: { jobId: string }) {
  return (
    <Page title="Job not found">
      <p>
        No job has the id <code>{jobId}</code>. It was deleted, it belongs to another account, or the address has a
        mistake.
      </p>
      <a href={boardHref}>Show the jobs</a>
    </Page>
  );
}
