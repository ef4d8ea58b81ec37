import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { lines } from '../../unit/sandbox/write.ts';
import { createTestClock, type TestClock } from '../clock.ts';
import { startGateway, type TestGateway } from '../gateway/gateway.ts';

/** Asks for a job, and for all that can come of it. */
export const CREATE = `mutation ($input: CreateFineTuningJobInput!) { createFineTuningJob(input: $input) {
  __typename
  ... on CreateFineTuningJobSuccess { fineTuningJob { id status metadata { key value } raw } }
  ... on Error { message code }
  ... on InvalidInputError { issues { path message } }
  ... on ConflictError { status rawStatus }
  ... on QuotaExceededError { retryAfterSeconds }
  ... on UpstreamError { upstreamStatus isRetryable }
} }`;

/** What came of it; the members of the outcome that it is. */
export interface Created {
  readonly __typename: string;
  readonly message?: string;
  readonly code?: string;
  readonly fineTuningJob?: { readonly id: string; readonly status: string; readonly raw: Record<string, unknown> };
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly retryAfterSeconds?: number | null;
}

/** Asks as the caller with this token, or as anybody. Fails when there are errors. */
export async function create(gateway: { readonly url: string }, input: object, token?: string): Promise<Created> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query: CREATE, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as { data?: { createFineTuningJob: Created }; errors?: unknown }; // By the query above.
  if (!data || errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.createFineTuningJob;
}

export const idOf = ({ fineTuningJob }: Created) => fineTuningJob?.id ?? null;

/** A sandbox with a file to train on, and gateways before it, by one clock that the test turns. */
export interface Site extends AsyncDisposable {
  readonly clock: TestClock;
  readonly sandbox: Sandbox;
  /** The job that most tests ask for. */
  readonly input: { readonly modelId: string; readonly trainingFileId: string };
  /** Starts a gateway that may change things, always with the same credential. It lasts as long as the site. */
  open(settings?: Record<string, string>): Promise<TestGateway>;
  /** The jobs that were made to train on the file, as the sandbox has them, newest first. */
  made(): Promise<Record<string, unknown>[]>;
}

export async function startSite(): Promise<Site> {
  const clock = createTestClock();
  const sandbox = await createSandbox({ clock, speed: 10, seed: 1 });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(sandbox.baseUrl + path, { ...init, headers: { authorization: 'Bearer any' } });
    return (await response.json()) as Record<string, unknown>; // Of the sandbox's own.
  };
  const form = new FormData();
  form.append('purpose', 'fine-tune');
  form.append('file', new Blob([lines(20)]), 'train.jsonl');
  const { id } = await ask('/files', { method: 'POST', body: form });
  const trainingFileId = String(id);
  const key = { OPENAI_API_KEY: `test-${crypto.randomUUID()}` };
  const gateways: TestGateway[] = [];
  return {
    clock,
    sandbox,
    input: { modelId: 'gpt-4o-mini', trainingFileId },
    async open(settings = {}) {
      const target = { OPENAI_BASE_URL: String(sandbox.baseUrl), ALLOW_MUTATIONS: 'on', ...key };
      const gateway = await startGateway({ ...target, ...settings }, clock);
      gateways.push(gateway);
      return gateway;
    },
    async made() {
      const { data } = await ask('/fine_tuning/jobs?limit=1000');
      return (data as Record<string, unknown>[]).filter((job) => job['training_file'] === trainingFileId); // A list's form.
    },
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
      await sandbox.dispose();
    },
  };
}
