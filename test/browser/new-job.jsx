import { ApolloClient, gql, HttpLink } from '@apollo/client';
import { ApolloProvider, useMutation, useSubscription } from '@apollo/client/react';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createCache } from '../conformance/apollo-cache.ts';

// For clients to copy: a page with React and Apollo Client that uploads a file, starts a job on it, follows it and cancels
// it. What can go wrong is data, and is shown.

const UPLOAD = `mutation ($file: Upload) {
  uploadFile(input: { file: $file }) {
    ... on UploadFileSuccess { file { id } }
    ... on InvalidTrainingFileError { report { issues { line message } } }
    ... on Error { message }
  }
}`;

const START = gql`
  mutation ($input: CreateFineTuningJobInput!) {
    createFineTuningJob(input: $input) {
      ... on CreateFineTuningJobSuccess { fineTuningJob { id status viewerCanCancel } }
      ... on InvalidInputError { issues { path message } }
      ... on UpstreamError { upstreamMessage }
      ... on Error { message }
    }
  }
`;

const WATCH = gql`
  subscription ($jobId: ID!) {
    fineTuningJobStatusChanged(jobId: $jobId) { job { id status viewerCanCancel progress { fraction } } }
  }
`;

const CANCEL = gql`
  mutation ($jobId: ID!) {
    cancelFineTuningJob(input: { jobId: $jobId }) {
      ... on CancelFineTuningJobSuccess { fineTuningJob { id status viewerCanCancel } }
      ... on Error { message }
    }
  }
`;

/** Sends a file by the GraphQL multipart request specification. The header tells the gateway that no foreign page asks. */
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
  const [start, { data }] = useMutation(START);
  const [fault, setFault] = useState(null);
  const job = data?.createFineTuningJob.fineTuningJob;

  async function begin(form) {
    const idempotencyKey = crypto.randomUUID(); // The same one again, if this has to be tried again.
    const uploaded = await upload(form.get('file'));
    if (!uploaded.file) return setFault(uploaded);
    const input = { modelId: form.get('model'), trainingFileId: uploaded.file.id, idempotencyKey };
    const { createFineTuningJob } = (await start({ variables: { input } })).data;
    setFault(createFineTuningJob.fineTuningJob ? null : createFineTuningJob);
  }

  return (
    <form action={begin}>
      <input name="file" type="file" required />
      <input name="model" defaultValue="gpt-4.1-mini" required />
      <button type="submit">Start</button>
      {fault && <pre role="alert">{JSON.stringify(fault, null, 2)}</pre>}
      {job && <Job id={job.id} />}
    </form>
  );
}

function Job({ id }) {
  const { data } = useSubscription(WATCH, { variables: { jobId: id } });
  const [cancel] = useMutation(CANCEL, { variables: { jobId: id } });
  const job = data?.fineTuningJobStatusChanged.job;
  if (!job) return null;
  return (
    <p>
      <output>{job.status}</output>
      <progress value={job.progress?.fraction ?? 0} />
      {job.viewerCanCancel && (
        <button type="button" onClick={() => cancel()}>
          Cancel
        </button>
      )}
    </p>
  );
}

/** Shows it in a page of the gateway's own origin. */
export function show(element) {
  const client = new ApolloClient({ link: new HttpLink({ uri: '/graphql' }), cache: createCache() });
  createRoot(element).render(
    <ApolloProvider client={client}>
      <NewJob />
    </ApolloProvider>,
  );
}
