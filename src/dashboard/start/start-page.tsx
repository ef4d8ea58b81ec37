import { useEffect, useMemo, useState } from 'preact/hooks';
import { DENIALS, isHidden } from '../actions/denial.ts';
import { enterAnotherToken } from '../app/change-token.ts';
import { Page } from '../app/page.tsx';
import { jobHref, searchParams } from '../app/router.ts';
import type { RequestError } from '../data/request-error.ts';
import { session } from '../data/session.ts';
import { readToken } from '../data/token.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { readSource } from './draft/clone.ts';
import { openDraft } from './draft/draft.ts';
import { StartForm } from './start-form.tsx';

/** Starts a job. `?from=JOB` fills the form with the values of that job. */
export function StartPage() {
  const sourceJobId = searchParams.value.get('from') || null; // An empty id is none.
  return (
    <Page title={sourceJobId === null ? 'Start a job' : 'Clone a job'}>
      {sourceJobId !== null && (
        <p class="quiet wrap">
          With the values of <a href={jobHref(sourceJobId)}>{sourceJobId}</a>. The seed and the hyperparameters that the
          upstream chose itself are filled in too: empty a field to let it choose again.
        </p>
      )}
      {session.value !== null && <AllowedForm key={sourceJobId} sourceJobId={sourceJobId} />}
    </Page>
  );
}

function AllowedForm({ sourceJobId }: { sourceJobId: string | null }) {
  const denial = session.value?.viewer.createFineTuningJobDenial ?? null;
  return (
    <>
      {denial !== null && (
        <div class="notice" role="status">
          <p>You cannot start a job now. {DENIALS[denial]}</p>
          {denial === 'ROLE' && readToken() !== null && (
            <button type="button" class="button" onClick={enterAnotherToken}>
              Enter another token
            </button>
          )}
        </div>
      )}
      {!isHidden(denial) && <DraftForm sourceJobId={sourceJobId} denial={denial === null ? null : DENIALS[denial]} />}
    </>
  );
}

function DraftForm({ sourceJobId, denial }: { sourceJobId: string | null; denial: string | null }) {
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each round has its own draft.
  const draft = useMemo(() => openDraft(sourceJobId), [sourceJobId, round]);
  const [error, setError] = useState<RequestError | null>(null);
  useEffect(() => draft.dispose, [draft]);
  useEffect(() => {
    if (round > 0) document.querySelector<HTMLElement>('h1')?.focus(); // The button has disappeared.
  }, [round]);
  useEffect(() => {
    if (sourceJobId === null || draft.values.value !== null) return;
    void readSource(sourceJobId).then((source) => {
      if ('code' in source) setError(source);
      else draft.change(source);
    });
  }, [sourceJobId, draft]);
  const startOver = () => {
    draft.discard();
    setError(null);
    setRound(round + 1);
  };
  if (error !== null) return <ErrorNotice error={error} onRetry={startOver} />;
  const values = draft.values.value;
  if (values === null) return <p class="quiet">Reading the job…</p>;
  return <StartForm key={round} draft={draft} values={values} denial={denial} onStartOver={startOver} />;
}
