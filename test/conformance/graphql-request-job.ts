import { GraphQLClient, gql } from 'graphql-request';

// For clients to copy: a file, a job and its end by graphql-request, which sends no files itself.

const UPLOAD = gql`
  mutation ($file: Upload) {
    uploadFile(input: { file: $file }) {
      ... on UploadFileSuccess { file { id } }
      ... on InvalidTrainingFileError { report { issues { line message } } }
      ... on Error { message }
    }
  }
`;

const START = gql`
  mutation ($input: CreateFineTuningJobInput!) {
    createFineTuningJob(input: $input) {
      ... on CreateFineTuningJobSuccess { fineTuningJob { id status } }
      ... on InvalidInputError { issues { path message } }
      ... on UpstreamError { upstreamMessage }
      ... on Error { message }
    }
  }
`;

const CANCEL = gql`
  mutation ($jobId: ID!) {
    cancelFineTuningJob(input: { jobId: $jobId }) {
      ... on CancelFineTuningJobSuccess { fineTuningJob { id status } }
      ... on Error { message }
    }
  }
`;

interface Job {
  readonly id: string;
  readonly status: string;
}
/** What a mutation answers: its success, or why not. */
type Outcome<Success> = Partial<Success> & { readonly message?: string };

/** By the GraphQL multipart request specification. The header tells the gateway that no foreign page asks. */
async function upload(url: string, file: Blob, filename: string): Promise<string> {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: UPLOAD, variables: { file: null } }));
  form.set('map', '{"0": ["variables.file"]}');
  form.set('0', file, filename);
  const headers = { 'GraphQL-Require-Preflight': '1' };
  const { data, errors } = await (await fetch(url, { method: 'POST', headers, body: form })).json();
  const outcome: Outcome<{ file: { id: string } }> = data?.uploadFile ?? errors[0];
  if (!outcome.file) throw new Error(JSON.stringify(outcome));
  return outcome.file.id;
}

/** Starts a job on a file. The same key gives the same job again, so that this can be tried again after any failure. */
export async function startJob(url: string, file: Blob, modelId: string, idempotencyKey: string): Promise<Job> {
  const input = { modelId, trainingFileId: await upload(url, file, 'train.jsonl'), idempotencyKey };
  const client = new GraphQLClient(url);
  const data = await client.request<{ createFineTuningJob: Outcome<{ fineTuningJob: Job }> }>(START, { input });
  const { fineTuningJob } = data.createFineTuningJob;
  if (!fineTuningJob) throw new Error(JSON.stringify(data.createFineTuningJob));
  return fineTuningJob;
}

export async function cancelJob(url: string, jobId: string): Promise<Job> {
  const client = new GraphQLClient(url);
  const data = await client.request<{ cancelFineTuningJob: Outcome<{ fineTuningJob: Job }> }>(CANCEL, { jobId });
  const { fineTuningJob } = data.cancelFineTuningJob;
  if (!fineTuningJob) throw new Error(JSON.stringify(data.cancelFineTuningJob));
  return fineTuningJob;
}
