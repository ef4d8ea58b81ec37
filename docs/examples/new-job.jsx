// A page with React and Apollo Client: uploads a training file, starts a job, follows it and cancels it.
// Copy it. Every failure of a mutation is data, and this page shows it.
import { ApolloClient, gql, HttpLink } from '@apollo/client';
import { ApolloProvider, useMutation, useSubscription } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createCache } from './apollo-cache.ts';

const UPLOAD = `mutation Upload($file: Upload) {
  uploadFile(input: { file: $file }) {
    __typename
    ... on UploadFileSuccess { file { id } }
    ... on InvalidTrainingFileError { report { issues { line message } } }
    ... on Error { message }
  }
}`;

const START = gql`
  mutation Start($input: CreateFineTuningJobInput!) {
    createFineTuningJob(input: $input) {
      __typename
      ... on CreateFineTuningJobSuccess { fineTuningJob { id status isTerminal viewerCanCancel } }
      ... on InvalidInputError { issues { path message } }
      ... on Error { message }
    }
  }
`;

const WATCH = gql`
  subscription Watch($jobId: ID!) {
    fineTuningJobProgressChanged(jobId: $jobId) {
      job { id status isTerminal viewerCanCancel }
      progress { fraction estimatedFinishAt }
    }
  }
`;

const CANCEL = gql`
  mutation Cancel($jobId: ID!) {
    cancelFineTuningJob(input: { jobId: $jobId }) {
      __typename
      ... on CancelFineTuningJobSuccess { fineTuningJob { id status isTerminal viewerCanCancel } }
      ... on Error { message }
    }
  }
`;

/** Sends a file by the GraphQL multipart request specification. The header proves that no foreign page sends it. */
async function upload(file) {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: UPLOAD, variables: { file: null } }));
  form.set('map', '{"0": ["variables.file"]}');
  form.set('0', file);
  const headers = { 'GraphQL-Require-Preflight': '1' };
  const { data, errors } = await (await fetch('/graphql', { method: 'POST', headers, body: form })).json();
  return data?.uploadFile ?? errors[0];
}

function NewJob() {
  const [start] = useMutation(START);
  const [jobId, setJobId] = useState(null);
  const [problem, setProblem] = useState(null);
  // One attempt = one file and model = one idempotency key. A retry after any failure sends the same key, so that the
  // gateway returns the same job instead of starting a second one.
  const attempt = useRef(null);

  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [file, modelId] = [form.get('file'), form.get('model')];
    const previous = attempt.current;
    const isRetry = previous?.file === file && previous.modelId === modelId;
    if (!isRetry) attempt.current = { file, modelId, trainingFileId: null, idempotencyKey: crypto.randomUUID() };
    const current = attempt.current;
    try {
      if (current.trainingFileId === null) {
        const uploaded = await upload(file);
        if (!uploaded.file) return setProblem(uploaded);
        current.trainingFileId = uploaded.file.id;
      }
      const { trainingFileId, idempotencyKey } = current;
      const { data } = await start({ variables: { input: { modelId, trainingFileId, idempotencyKey } } });
      const { fineTuningJob, ...failure } = data.createFineTuningJob;
      setProblem(fineTuningJob ? null : failure);
      if (!fineTuningJob) return;
      attempt.current = null;
      setJobId(fineTuningJob.id);
    } catch (error) {
      setProblem({ message: `${error.message} Press Start again: it is safe, the idempotency key stays the same.` });
    }
  }

  return (
    <form onSubmit={submit}>
      <input name="file" type="file" required />
      <input name="model" defaultValue="gpt-4.1-mini" required />
      <button type="submit">Start</button>
      {problem && <Problem {...problem} />}
      {jobId && <Job id={jobId} />}
    </form>
  );
}

/** The message of a failure and, where it has them, the lines or fields that are wrong. */
function Problem({ message, issues, report }) {
  const details = [
    ...(issues ?? []).map(({ path, message: text }) => `${path.join('.')}: ${text}`),
    ...(report?.issues ?? []).map(({ line, message: text }) => `line ${line}: ${text}`),
  ];
  return (
    <div role="alert">
      {message}
      <ul>
        {details.map((detail) => (
          <li key={detail}>{detail}</li>
        ))}
      </ul>
    </div>
  );
}

function Job({ id }) {
  const { data } = useSubscription(WATCH, { variables: { jobId: id } });
  const [cancel, cancelled] = useMutation(CANCEL, { variables: { jobId: id } });
  if (!data) return null;
  const { job, progress } = data.fineTuningJobProgressChanged;
  const failure = cancelled.data?.cancelFineTuningJob;
  return (
    <p>
      <output>{job.status}</output>
      <progress value={progress?.fraction ?? 0} />
      {job.viewerCanCancel && (
        <button type="button" onClick={() => cancel()}>
          Cancel
        </button>
      )}
      {failure?.message && <Problem {...failure} />}
    </p>
  );
}

/** Renders the page. It must have the gateway's own origin, or one of CORS_ORIGINS. */
export function show(element) {
  const client = new ApolloClient({ link: new HttpLink({ uri: '/graphql' }), cache: createCache() });
  createRoot(element).render(
    <ApolloProvider client={client}>
      <NewJob />
    </ApolloProvider>,
  );
}
