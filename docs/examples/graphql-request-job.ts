import { GraphQLClient, gql } from 'graphql-request';

// Sample to copy: upload a training file, create a job and cancel it, with graphql-request.

const UPLOAD = gql`
  mutation ($file: Upload) {
    uploadFile(input: { file: $file }) {
      ... on UploadFileSuccess { file { id } }
      ... on InvalidTrainingFileError { report { issues { line message } } }
      ... on InvalidInputError { issues { path message } }
      ... on UpstreamError { upstreamMessage }
      ... on Error { code message }
    }
  }
`;

const CREATE = gql`
  mutation ($input: CreateFineTuningJobInput!) {
    createFineTuningJob(input: $input) {
      ... on CreateFineTuningJobSuccess { fineTuningJob { id status } }
      ... on InvalidInputError { issues { path message } }
      ... on UpstreamError { upstreamMessage }
      ... on Error { code message }
    }
  }
`;

const CANCEL = gql`
  mutation ($jobId: ID!) {
    cancelFineTuningJob(input: { jobId: $jobId }) {
      ... on CancelFineTuningJobSuccess { fineTuningJob { id status } }
      ... on UpstreamError { upstreamMessage }
      ... on Error { code message }
    }
  }
`;

interface Job {
  readonly id: string;
  readonly status: string;
}

/** A failed mutation, as the documents above select it. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly report?: { readonly issues: readonly { readonly line: number | null; readonly message: string }[] };
  readonly upstreamMessage?: string | null;
}

interface JobInput {
  readonly modelId: string;
  readonly trainingFileId: string;
  /** Keep it until the call succeeds: a retry with the same input and key returns the same job. */
  readonly idempotencyKey: string;
}

export async function createJob(url: string, input: JobInput): Promise<Job> {
  const client = new GraphQLClient(url);
  const data = await client.request<{ createFineTuningJob: { fineTuningJob: Job } | Failure }>(CREATE, { input });
  return successOf(data.createFineTuningJob).fineTuningJob;
}

export async function cancelJob(url: string, jobId: string): Promise<Job> {
  const client = new GraphQLClient(url);
  const data = await client.request<{ cancelFineTuningJob: { fineTuningJob: Job } | Failure }>(CANCEL, { jobId });
  return successOf(data.cancelFineTuningJob).fineTuningJob;
}

/** Uploads a training file by a GraphQL multipart request, which graphql-request cannot send. Returns its id. */
export async function uploadTrainingFile(url: string, file: Blob, filename: string): Promise<string> {
  const form = new FormData();
  form.set('operations', JSON.stringify({ query: UPLOAD, variables: { file: null } }));
  form.set('map', JSON.stringify({ 0: ['variables.file'] }));
  form.set('0', file, filename);
  // The header proves that no page of another site sends the form.
  const headers = { 'GraphQL-Require-Preflight': '1' };
  const response = await fetch(url, { method: 'POST', headers, body: form });
  const { data, errors } = await response.json();
  if (!data) throw new Error(errors[0].message);
  return successOf<{ file: { id: string } }>(data.uploadFile).file.id;
}

/** Returns the success of a mutation. Throws an error with the reason when it failed. */
function successOf<Success extends object>(result: Success | Failure): Success {
  if (!isFailure(result)) return result;
  const { message, issues = [], report, upstreamMessage } = result;
  const reasons = [
    message,
    upstreamMessage,
    ...issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...(report?.issues ?? []).map(({ line, message }) => `line ${line}: ${message}`),
  ];
  throw new Error(reasons.filter(Boolean).join('\n'));
}

const isFailure = (result: object): result is Failure => 'code' in result;
