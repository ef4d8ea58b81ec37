import fc from 'fast-check';
import { expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type Account, type Accounts, FAULTS, type Fault, startAccounts } from '../../kit/isolation/accounts.ts';
import {
  isSequential,
  MUTATIONS,
  type MutationName,
  mutationNames,
  QUERIES,
  type QueryName,
  queryNames,
} from '../../kit/isolation/operations.ts';
import { until } from '../../kit/until.ts';

// Callers with their own keys do not affect each other: for any actions at any times, the responses and the upstream calls
// of each caller are exactly those of a caller that has the gateway for itself.

const NAMES = ['ann', 'bob'] as const;
type Name = (typeof NAMES)[number];

type Step =
  | { readonly advance: number }
  | {
      readonly callers: readonly Name[];
      readonly operation: QueryName | MutationName;
      readonly method: 'GET' | 'POST';
      readonly times: number;
    }
  | { readonly callers: readonly Name[]; readonly fault: Fault }
  | { readonly callers: readonly Name[]; readonly action: 'change' | 'abort' | 'release' };

const DEADLINE_MS = 30_000;
const one = fc.constantFrom<(readonly Name[])[]>(['ann'], ['bob']);
const some = fc.oneof({ weight: 2, arbitrary: one }, { weight: 3, arbitrary: fc.constant(NAMES) });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        callers: some,
        operation: fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...queryNames) },
          { weight: 2, arbitrary: fc.constantFrom(...mutationNames) },
        ),
        method: fc.constantFrom('GET' as const, 'POST' as const),
        times: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(1, 2) }, { weight: 1, arbitrary: fc.constant(11) }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ callers: one, fault: fc.constantFrom(...FAULTS) }) },
    { weight: 3, arbitrary: fc.record({ advance: fc.constantFrom(1, 500, 1000, 2500, DEADLINE_MS, 61_000, 301_000) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        callers: one,
        action: fc.constantFrom('change' as const, 'abort' as const, 'release' as const),
      }),
    },
  ),
  { minLength: 4, maxLength: 12 },
);

/** Steps that random runs may miss. */
const examples: [Step[], Name][] = [
  [
    [
      { callers: ['bob'], fault: 'reset' },
      { callers: NAMES, operation: 'models', method: 'GET', times: 1 },
      { callers: ['ann'], action: 'change' },
      ...mutationNames.map((operation) => ({ callers: ['bob'], operation, method: 'POST', times: 1 }) as const),
      { callers: ['ann'], operation: 'models', method: 'GET', times: 1 },
    ],
    'ann',
  ],
  [
    [
      { callers: ['ann'], fault: 'hang' },
      ...queryNames.slice(0, 5).map((operation) => ({ callers: NAMES, operation, method: 'POST', times: 2 }) as const),
      { callers: ['ann'], action: 'abort' },
      { callers: NAMES, operation: 'job', method: 'GET', times: 1 },
      { advance: DEADLINE_MS },
      { callers: NAMES, operation: 'job', method: 'POST', times: 2 },
    ],
    'bob',
  ],
  [
    [
      { callers: NAMES, operation: 'whole', method: 'POST', times: 2 },
      { advance: 61_000 },
      { callers: NAMES, operation: 'whole', method: 'POST', times: 1 },
      { callers: ['bob'], fault: '503' },
      { advance: 301_000 },
      { callers: NAMES, operation: 'whole', method: 'POST', times: 11 },
      { callers: NAMES, operation: 'nodes', method: 'POST', times: 2 },
    ],
    'ann',
  ],
  [
    [
      ...mutationNames.map((operation) => ({ callers: NAMES, operation, method: 'POST', times: 2 }) as const),
      { callers: NAMES, operation: 'roots', method: 'POST', times: 2 },
      { callers: ['ann'], fault: 'cut' },
      ...mutationNames.map((operation) => ({ callers: NAMES, operation, method: 'POST', times: 1 }) as const),
      { callers: ['ann'], fault: 'none' },
      ...mutationNames.map((operation) => ({ callers: NAMES, operation, method: 'POST', times: 1 }) as const),
      { advance: 61_000 },
      { callers: NAMES, operation: 'createOnce', method: 'POST', times: 1 },
      { callers: NAMES, operation: 'whole', method: 'POST', times: 1 },
    ],
    'bob',
  ],
];

const OUTCOMES = [
  ...['CreateFineTuningJobSuccess', 'CancelFineTuningJobSuccess', 'UploadFileSuccess', 'DeleteFileSuccess'],
  ...['ConflictError', 'NotFoundError', 'ForbiddenError', 'OutcomeUnknownError', 'UpstreamError'],
].map((outcome) => `"${outcome}"`);

/** A client that executes steps and records its responses. */
interface Client {
  readonly trace: unknown[];
  execute(step: Step): Promise<void>;
  /** Waits for the timeouts after an advance of the clock. */
  afterAdvance(): Promise<void>;
  end(): Promise<void>;
}

interface PendingRequest {
  readonly abort: AbortController;
  isDone: boolean;
}

function createClient(url: string, account: Account, clock: TestClock): Client {
  const trace: unknown[] = [];
  let pending: PendingRequest | null = null;

  /** Resolves when the response has arrived, or an upstream call for it hangs. */
  async function settle(): Promise<void> {
    await until(() => pending === null || pending.isDone || account.hanging.size > 0);
    if (pending?.isDone) pending = null;
  }

  async function send(operation: QueryName | MutationName, method: 'GET' | 'POST'): Promise<void> {
    const before = account.calls.length;
    const request: PendingRequest = { abort: new AbortController(), isDone: false };
    pending = request;
    sendTo(url, account, operation, method, request.abort.signal)
      .catch(() => 'aborted')
      .then((response) => {
        trace.push({ operation, method, response, calls: account.calls.slice(before).sort() });
        request.isDone = true;
      });
    await settle();
  }

  return {
    trace,
    async execute(step) {
      if ('operation' in step) {
        for (let count = 0; count < step.times; count++) {
          // A mutation is not aborted with its client, and parallel calls would hang in random order.
          const wouldHang = account.fault === 'hang' && (isMutation(step.operation) || !isSequential(step.operation));
          if (pending === null && !wouldHang) await send(step.operation, step.method); // One request at a time.
        }
      } else if ('fault' in step) account.fault = step.fault;
      else if ('action' in step) {
        if (step.action === 'change') account.version++;
        else if (step.action === 'release') account.release();
        else pending?.abort.abort();
        if (step.action === 'abort') await until(() => account.hanging.size === 0);
        await settle();
      }
    },
    async afterAdvance() {
      await until(() => [...account.hanging].every(({ at }) => clock.now() - at < DEADLINE_MS));
      await settle();
    },
    async end() {
      account.fault = 'none';
      account.release();
      await settle();
    },
  };
}

const isMutation = (operation: QueryName | MutationName): operation is MutationName => operation in MUTATIONS;

async function sendTo(
  url: string,
  account: Account,
  operation: QueryName | MutationName,
  method: 'GET' | 'POST',
  signal: AbortSignal,
) {
  const query = isMutation(operation) ? MUTATIONS[operation] : QUERIES[operation];
  const headers = { 'content-type': 'application/json', authorization: account.authorization };
  if (operation === 'upload') {
    const result = await upload(url, trainingLines(10), { query, headers: { authorization: account.authorization } });
    return { status: result.status, body: result.body };
  }
  const response = await (method === 'POST'
    ? fetch(url, { method, headers, body: JSON.stringify({ query }), signal })
    : fetch(`${url}?${new URLSearchParams({ query })}`, { headers, signal }));
  return { status: response.status, body: await response.json() };
}

/** Executes the steps of some callers, each with a new account. Returns the trace of each. */
async function play(steps: readonly Step[], names: readonly Name[], url: string, accounts: Accounts, clock: TestClock) {
  const clients = new Map(names.map((name) => [name, createClient(url, accounts.open(name), clock)]));
  const forEach = (work: (client: Client) => Promise<void>, callers: readonly Name[] = names) =>
    Promise.all([...clients].map(([name, client]) => callers.includes(name) && work(client)));
  for (const step of steps) {
    if ('advance' in step) {
      clock.advance(step.advance);
      await forEach((client) => client.afterAdvance());
    } else await forEach((client) => client.execute(step), step.callers);
  }
  await forEach((client) => client.end());
  return { ann: clients.get('ann')?.trace, bob: clients.get('bob')?.trace };
}

const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0', ALLOW_MUTATIONS: 'on', MAX_CREATES_PER_DAY: '1000000' };
const RUNS = 100;

it(
  'callers with their own keys never get data of each other, share a read or wait for each other',
  async () => {
    const clock = createTestClock();
    await using accounts = await startAccounts(clock);
    await using gateway = await startGateway(
      { OPENAI_BASE_URL: accounts.baseUrl, AUTH: 'passthrough', ...UNLIMITED, LOG_LEVEL: 'error' },
      clock,
    );
    const outcomes = new Set<string>();
    const property = fc.asyncProperty(steps, fc.constantFrom(...NAMES), async (steps, single) => {
      const together = await play(steps, NAMES, gateway.url, accounts, clock);
      expect(JSON.stringify(together.ann)).not.toContain('bob v');
      expect(JSON.stringify(together.bob)).not.toContain('ann v');
      expect(together[single]).toEqual((await play(steps, [single], gateway.url, accounts, clock))[single]);
      for (const [outcome] of JSON.stringify(together).matchAll(
        /"UPSTREAM_\w+"|"aborted"|v\d|"calls":\[\]|"\w+(?:Success|Error)"/g,
      ))
        outcomes.add(outcome);
    });
    await fc.assert(property, { numRuns: RUNS, examples });
    // The runs covered cached responses, new versions, aborted calls, upstream errors and outcomes of mutations.
    const expected = ['"calls":[]', 'v1', '"aborted"', '"UPSTREAM_UNAVAILABLE"', '"UPSTREAM_TIMEOUT"', ...OUTCOMES];
    for (const outcome of expected) expect(outcomes).toContain(outcome);
  },
  60_000 + RUNS * 1000,
);
