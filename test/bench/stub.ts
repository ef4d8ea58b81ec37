import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jobBody } from '../kit/job.ts';

/** The upstream's jobs, always the same, as cheap as a real server can be: it must not be what is measured. */
export interface Stub extends AsyncDisposable {
  readonly baseUrl: string;
  /** How many requests it has answered so far. */
  calls(): number;
}

const JOBS = 500;
const PREFIX = '/v1';

export async function startStub(): Promise<Stub> {
  const answer = answerer();
  const serialized = new Map<string, Buffer | null>();
  let calls = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, ({ url = '' }, response) => {
    calls++;
    const body = serialized.get(url) ?? answer(url);
    serialized.set(url, body);
    const headers = { 'content-type': 'application/json', 'content-length': body?.length ?? 0 };
    response.writeHead(body ? 200 : 404, headers).end(body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // A server that listens on TCP has such an address.
  return {
    baseUrl: `http://127.0.0.1:${port}${PREFIX}`,
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerer(): (target: string) => Buffer | null {
  const jobs = Array.from({ length: JOBS }, (_, index) => job(JOBS - index)); // Newest first.
  return (target) => {
    const { pathname, searchParams } = new URL(target, 'http://stub');
    const [, id] = pathname.split(`${PREFIX}/fine_tuning/jobs/`);
    if (id !== undefined) return toBody(jobs.find((job) => job.id === id));
    const from = jobs.findIndex((job) => job.id === searchParams.get('after')) + 1;
    const to = from + Number(searchParams.get('limit') ?? 20);
    return toBody({ object: 'list', data: jobs.slice(from, to), has_more: to < jobs.length });
  };
}

const toBody = (value: object | undefined) => (value ? Buffer.from(JSON.stringify(value)) : null);

const MODELS = ['gpt-4.1-2025-04-14', 'gpt-4.1-mini-2025-04-14', 'gpt-4o-mini-2024-07-18'];
const STATUSES = [
  'succeeded',
  'succeeded',
  'running',
  'failed',
  'succeeded',
  'queued',
  'cancelled',
  'validating_files',
];

function job(number: number) {
  const status = STATUSES[number % STATUSES.length] ?? '';
  const model = MODELS[number % MODELS.length] ?? '';
  const created_at = 1_760_000_000 + number * 600;
  const made = status === 'succeeded' && {
    finished_at: created_at + 1800 + (number % 97),
    fine_tuned_model: `ft:${model}:acme:suffix-${number % 40}:${number}`,
    trained_tokens: 5_000 + ((number * 7919) % 900_000),
    result_files: [`file-result-${number}`],
  };
  const seed = 1 + ((number * 104_729) % 2_000_000_000);
  return jobBody({ id: `ftjob-${String(number).padStart(24, '0')}`, status, model, created_at, seed, ...made });
}
