import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { lines } from '../../unit/sandbox/write.ts';
import { createTestClock, type TestClock } from '../clock.ts';
import { startGateway, type TestGateway } from '../gateway/gateway.ts';

/** Creates a job; selects the success and every failure. */
export const CREATE = `mutation ($input: CreateFineTuningJobInput!) { createFineTuningJob(input: $input) {
  __typename
  ... on CreateFineTuningJobSuccess { fineTuningJob { id status metadata { key value } raw } }
  ... on Error { message code }
  ... on InvalidInputError { issues { path message } }
  ... on ConflictError { status rawStatus }
  ... on QuotaExceededError { retryAfterSeconds }
  ... on UnavailableError { retryAfterSeconds }
  ... on UpstreamError { upstreamStatus isRetryable }
} }`;

/** The success or the failure that CREATE returns. */
export interface CreateOutcome {
  readonly __typename: string;
  readonly message?: string;
  readonly code?: string;
  readonly fineTuningJob?: { readonly id: string; readonly status: string; readonly raw: Record<string, unknown> };
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly retryAfterSeconds?: number | null;
}

/** Creates a job as the caller with a token, or as an anonymous caller. Throws when the response has errors. */
export async function create(gateway: { readonly url: string }, input: object, token?: string): Promise<CreateOutcome> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: CREATE, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { createFineTuningJob: CreateOutcome };
    errors?: unknown;
  }; // The selection of CREATE.
  if (!data || errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.createFineTuningJob;
}

export const idOf = ({ fineTuningJob }: CreateOutcome) => fineTuningJob?.id ?? null;

/** A sandbox with a training file, and gateways in front of it, on one test clock. */
export interface SandboxWorld extends AsyncDisposable {
  readonly clock: TestClock;
  readonly sandbox: Sandbox;
  /** The input of a valid job. */
  readonly input: { readonly modelId: string; readonly trainingFileId: string };
  /** Starts a gateway that allows mutations, always with the same credential. Disposed with the world. */
  startGateway(settings?: Record<string, string>): Promise<TestGateway>;
  /** The jobs of the sandbox that use the training file, newest first. */
  createdJobs(): Promise<Record<string, unknown>[]>;
}

export async function startSandboxWorld(): Promise<SandboxWorld> {
  const clock = createTestClock();
  const sandbox = await createSandbox({ clock, speed: 10, seed: 1 });
  const request = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(sandbox.baseUrl + path, { ...init, headers: { authorization: 'Bearer any' } });
    return (await response.json()) as Record<string, unknown>; // An object, in every response of the sandbox.
  };
  const form = new FormData();
  form.append('purpose', 'fine-tune');
  form.append('file', new Blob([lines(20)]), 'train.jsonl');
  const { id } = await request('/files', { method: 'POST', body: form });
  const trainingFileId = String(id);
  const key = { OPENAI_API_KEY: `test-${crypto.randomUUID()}` };
  const gateways: TestGateway[] = [];
  return {
    clock,
    sandbox,
    input: { modelId: 'gpt-4o-mini', trainingFileId },
    async startGateway(settings = {}) {
      const target = { OPENAI_BASE_URL: String(sandbox.baseUrl), ALLOW_MUTATIONS: 'on', ...key };
      const gateway = await startGateway({ ...target, ...settings }, clock);
      gateways.push(gateway);
      return gateway;
    },
    async createdJobs() {
      const { data } = await request('/fine_tuning/jobs?limit=1000');
      return (data as Record<string, unknown>[]).filter((job) => job['training_file'] === trainingFileId); // The form of a list.
    },
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
      await sandbox.dispose();
    },
  };
}
