import { useEffect, useRef, useState } from 'preact/hooks';
import { jobHref, navigate } from '../app/router.ts';
import { loadSession } from '../data/session.ts';
import { showToast } from '../ui/toast.tsx';
import { type CreateFailure, createJob, invalidValues, outlivesChanges } from './create-job.ts';
import type { Draft, DraftValues } from './draft/draft.ts';
import { type FieldErrors, withoutChanged } from './draft/field-errors.ts';
import { encodeDraft } from './draft/job-input.ts';
import { FailureNotice } from './failure-notice.tsx';
import { FileFields } from './file-fields.tsx';
import { IntegrationFields } from './integration-fields.tsx';
import { MetadataFields } from './metadata-fields.tsx';
import { MethodFields } from './method-fields.tsx';
import { ModelFields } from './model-fields.tsx';
import { OtherProperties } from './other-properties.tsx';
import { loadFiles, loadModels } from './start-options.ts';
import { StartOver } from './start-over.tsx';
import { StartWarnings } from './start-warnings.tsx';
import type { FileFacts } from './upload/file-facts.ts';

interface StartFormProps {
  draft: Draft;
  values: DraftValues;
  /** Why no job can be started now; null when one can. */
  denial: string | null;
  onStartOver: () => void;
}

/** The form of a draft. Errors of the gateway stand at their fields; the first one gets the focus. */
export function StartForm({ draft, values, denial, onStartOver }: StartFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<CreateFailure | null>(null);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [uploads, setUploads] = useState<readonly string[]>([]);
  const [facts, setFacts] = useState<FileFacts | null>(null);
  useEffect(() => {
    void loadModels();
    void loadFiles();
  }, []);
  useEffect(() => {
    if (failure !== null) focusFailure(form.current);
  }, [failure]);
  useEffect(ignoreDrops, []);

  const fail = (next: CreateFailure | null) => {
    setFailure(next);
    setErrors(next?.errors ?? {});
  };
  const change: Draft['change'] = (changes) => {
    const remaining = withoutChanged(errors, values, changes);
    setErrors(remaining);
    if (failure !== null && !outlivesChanges(failure) && Object.keys(remaining).length === 0) setFailure(null);
    draft.change(changes);
  };
  const setUploading = (label: string, isUploading: boolean) =>
    setUploads((labels) => [...labels.filter((other) => other !== label), ...(isUploading ? [label] : [])]);

  /** An estimate knows no members: those of the check in the browser stay. */
  const addFacts = (next: FileFacts) =>
    setFacts((old) => ({ ...next, members: next.members ?? (old?.fileId === next.fileId ? old.members : null) }));
  const presentFacts = facts?.fileId === values.trainingFileId ? facts : null;
  const reason = denial ?? uploadReason(uploads);
  const submit = async () => {
    if (isPending || reason !== null) return;
    fail(null);
    const metadata = values.metadata.filter(({ key, value }) => key !== '' || value !== '');
    const integrations = values.integrations.filter((run) => Object.values(run).some((text) => text !== ''));
    const sent = { ...values, metadata, integrations };
    draft.change({ metadata, integrations }); // So that the indices of the errors are those of the rows.
    const encoded = encodeDraft(sent, draft.idempotencyKey());
    if (!encoded.ok) return fail(invalidValues(encoded.errors));
    setPending(true);
    const outcome = await createJob(encoded.input, sent);
    setPending(false);
    if (outcome.kind === 'failed') return fail(outcome.failure);
    draft.discard();
    showToast(`The job ${outcome.jobId} is created.`);
    void loadSession(); // The daily quota can be used up now.
    if (form.current !== null) navigate(jobHref(outcome.jobId)); // Unless the user has left the page.
  };
  const renewKey = () => {
    draft.renewKey();
    fail(null);
    form.current?.querySelector<HTMLElement>('[type="submit"]')?.focus(); // The notice disappears.
  };
  const fields = { values, errors, change };
  return (
    <form
      ref={form}
      class="start-form"
      noValidate
      aria-label="The job to start"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {failure && <FailureNotice failure={failure} onRenewKey={renewKey} />}
      {values.notCopied.length > 0 && <NotCopied sentences={values.notCopied} />}
      <FileFields {...fields} onUploading={setUploading} onFacts={addFacts} />
      <ModelFields {...fields} />
      <MethodFields {...fields} />
      <IntegrationFields integrations={values.integrations} errors={errors} change={change} />
      <MetadataFields metadata={values.metadata} errors={errors} change={change} />
      <OtherProperties {...fields} />
      <StartWarnings facts={presentFacts} grader={values.method === 'reinforcement' ? values.grader : ''} />
      <div class="form-actions">
        <button
          type="submit"
          class="button button-primary"
          aria-disabled={isPending || reason !== null}
          aria-describedby={uploads.length > 0 ? 'start-reason' : undefined}
          title={reason ?? undefined}
        >
          {isPending ? 'Starting…' : 'Start the job'}
        </button>
        <StartOver draft={values} onStartOver={onStartOver} />
        {uploads.length > 0 && (
          <span id="start-reason" class="quiet">
            {reason}
          </span>
        )}
      </div>
    </form>
  );
}

const uploadReason = ([label]: readonly string[]) =>
  label === undefined ? null : `${label}: wait until it is uploaded, or cancel the upload.`;

/** Outside a drop zone the browser would leave the page, and open the file. */
function ignoreDrops(): () => void {
  const ignore = (event: DragEvent) => event.preventDefault();
  addEventListener('dragover', ignore);
  addEventListener('drop', ignore);
  return () => {
    removeEventListener('dragover', ignore);
    removeEventListener('drop', ignore);
  };
}

function NotCopied({ sentences }: { sentences: readonly string[] }) {
  return (
    <section class="notice" aria-label="Not copied">
      <p>These are not copied from the job:</p>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </section>
  );
}

/** The first field with an error, otherwise the notice. */
function focusFailure(form: HTMLFormElement | null): void {
  const first =
    form?.querySelector<HTMLElement>('[aria-invalid="true"]') ?? form?.querySelector<HTMLElement>('.notice');
  first?.focus();
}
