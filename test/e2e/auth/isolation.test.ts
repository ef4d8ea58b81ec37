import fc from 'fast-check';
import { expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type Account, type Accounts, FAULTS, type Fault, startAccounts } from '../../kit/isolation/accounts.ts';
import {
  CHANGES,
  type Change,
  changes,
  isOneByOne,
  QUESTIONS,
  type Question,
  questions,
} from '../../kit/isolation/operations.ts';
import { until } from '../../kit/until.ts';

// Callers with keys of their own do not exist for each other: whatever they do, at whatever moments, what each of them is
// answered and what it causes upstream is to the letter what it would be if it was alone with the gateway.

const NAMES = ['ann', 'bob'] as const;
type Name = (typeof NAMES)[number];

type Step =
  | { readonly turn: number }
  | {
      readonly who: readonly Name[];
      readonly ask: Question | Change;
      readonly method: 'GET' | 'POST';
      readonly times: number;
    }
  | { readonly who: readonly Name[]; readonly fault: Fault }
  | { readonly who: readonly Name[]; readonly act: 'change' | 'leave' | 'release' };

const DEADLINE_MS = 30_000;
const one = fc.constantFrom<(readonly Name[])[]>(['ann'], ['bob']);
const some = fc.oneof({ weight: 2, arbitrary: one }, { weight: 3, arbitrary: fc.constant(NAMES) });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        who: some,
        ask: fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...questions) },
          { weight: 2, arbitrary: fc.constantFrom(...changes) },
        ),
        method: fc.constantFrom('GET' as const, 'POST' as const),
        times: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(1, 2) }, { weight: 1, arbitrary: fc.constant(11) }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ who: one, fault: fc.constantFrom(...FAULTS) }) },
    { weight: 3, arbitrary: fc.record({ turn: fc.constantFrom(1, 500, 1000, 2500, DEADLINE_MS, 61_000, 301_000) }) },
    {
      weight: 3,
      arbitrary: fc.record({ who: one, act: fc.constantFrom('change' as const, 'leave' as const, 'release' as const) }),
    },
  ),
  { minLength: 4, maxLength: 12 },
);

/** These pass through what chance may leave out. */
const examples: [Step[], Name][] = [
  [
    [
      { who: ['ann'], fault: 'hang' },
      ...questions.slice(0, 5).map((ask) => ({ who: NAMES, ask, method: 'POST', times: 2 }) as const),
      { who: ['ann'], act: 'leave' },
      { who: NAMES, ask: 'job', method: 'GET', times: 1 },
      { turn: DEADLINE_MS },
      { who: NAMES, ask: 'job', method: 'POST', times: 2 },
    ],
    'bob',
  ],
  [
    [
      { who: NAMES, ask: 'whole', method: 'POST', times: 2 },
      { turn: 61_000 },
      { who: NAMES, ask: 'whole', method: 'POST', times: 1 },
      { who: ['bob'], fault: '503' },
      { turn: 301_000 },
      { who: NAMES, ask: 'whole', method: 'POST', times: 11 },
      { who: NAMES, ask: 'nodes', method: 'POST', times: 2 },
    ],
    'ann',
  ],
  [
    [
      ...changes.map((ask) => ({ who: NAMES, ask, method: 'POST', times: 2 }) as const),
      { who: NAMES, ask: 'roots', method: 'POST', times: 2 },
      { who: ['ann'], fault: 'cut' },
      ...changes.map((ask) => ({ who: NAMES, ask, method: 'POST', times: 1 }) as const),
      { who: ['ann'], fault: 'none' },
      ...changes.map((ask) => ({ who: NAMES, ask, method: 'POST', times: 1 }) as const),
      { turn: 61_000 },
      { who: NAMES, ask: 'createOnce', method: 'POST', times: 1 },
      { who: NAMES, ask: 'whole', method: 'POST', times: 1 },
    ],
    'bob',
  ],
];

const OUTCOMES = [
  ...['CreateFineTuningJobSuccess', 'CancelFineTuningJobSuccess', 'UploadFileSuccess', 'DeleteFileSuccess'],
  ...['ConflictError', 'NotFoundError', 'ForbiddenError', 'OutcomeUnknownError', 'UpstreamError'],
].map((outcome) => `"${outcome}"`);

/** One caller at work, and all that it has seen. */
interface Client {
  readonly trace: unknown[];
  take(step: Step): Promise<void>;
  /** Time has gone by. */
  turned(): Promise<void>;
  end(): Promise<void>;
}

interface Waiting {
  readonly leaving: AbortController;
  isOver: boolean;
}

function createClient(url: string, account: Account, clock: TestClock): Client {
  const trace: unknown[] = [];
  let waiting: Waiting | null = null;

  /** Until the answer is there, or a call for it hangs. */
  async function settle(): Promise<void> {
    await until(() => waiting === null || waiting.isOver || account.hanging.size > 0);
    if (waiting?.isOver) waiting = null;
  }

  async function ask(question: Question | Change, method: 'GET' | 'POST'): Promise<void> {
    const before = account.calls.length;
    const own: Waiting = { leaving: new AbortController(), isOver: false };
    waiting = own;
    send(url, account, question, method, own.leaving.signal)
      .catch(() => 'left')
      .then((answer) => {
        trace.push({ question, method, answer, calls: account.calls.slice(before).sort() });
        own.isOver = true;
      });
    await settle();
  }

  return {
    trace,
    async take(step) {
      if ('ask' in step) {
        for (let time = 0; time < step.times; time++) {
          const wouldHang = account.fault === 'hang' && (isChange(step.ask) || !isOneByOne(step.ask)); // A change does not end with its caller.
          if (waiting === null && !wouldHang) await ask(step.ask, step.method); // A client that waits asks nothing else.
        }
      } else if ('fault' in step) account.fault = step.fault;
      else if ('act' in step) {
        if (step.act === 'change') account.version++;
        else if (step.act === 'release') account.release();
        else waiting?.leaving.abort();
        if (step.act === 'leave') await until(() => account.hanging.size === 0);
        await settle();
      }
    },
    async turned() {
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

const isChange = (question: Question | Change): question is Change => question in CHANGES;

async function send(
  url: string,
  account: Account,
  question: Question | Change,
  method: 'GET' | 'POST',
  signal: AbortSignal,
) {
  const query = isChange(question) ? CHANGES[question] : QUESTIONS[question];
  const headers = { 'content-type': 'application/json', authorization: account.authorization };
  if (question === 'upload') {
    const uploading = await upload(url, trainingLines(10), {
      query,
      headers: { authorization: account.authorization },
    });
    return { status: uploading.status, body: uploading.body };
  }
  const response = await (method === 'POST'
    ? fetch(url, { method, headers, body: JSON.stringify({ query }), signal })
    : fetch(`${url}?${new URLSearchParams({ query })}`, { headers, signal }));
  return { status: response.status, body: await response.json() };
}

/** Plays the steps of some callers, each with an account that nobody knows yet; gives what each has seen. */
async function play(steps: readonly Step[], names: readonly Name[], url: string, accounts: Accounts, clock: TestClock) {
  const clients = new Map(names.map((name) => [name, createClient(url, accounts.open(name), clock)]));
  const each = (work: (client: Client) => Promise<void>, among: readonly Name[] = names) =>
    Promise.all([...clients].map(([name, client]) => among.includes(name) && work(client)));
  for (const step of steps) {
    if ('turn' in step) {
      clock.advance(step.turn);
      await each((client) => client.turned());
    } else await each((client) => client.take(step), step.who);
  }
  await each((client) => client.end());
  return { ann: clients.get('ann')?.trace, bob: clients.get('bob')?.trace };
}

const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0', ALLOW_MUTATIONS: 'on', MAX_CREATES_PER_DAY: '1000000' };
const RUNS = 100;

it(
  'callers with keys of their own never see, share or wait for anything of each other',
  async () => {
    const clock = createTestClock();
    await using accounts = await startAccounts(clock);
    await using gateway = await startGateway(
      { OPENAI_BASE_URL: accounts.baseUrl, AUTH: 'passthrough', ...UNLIMITED, LOG_LEVEL: 'error' },
      clock,
    );
    const seen = new Set<string>();
    const property = fc.asyncProperty(steps, fc.constantFrom(...NAMES), async (steps, lonely) => {
      const together = await play(steps, NAMES, gateway.url, accounts, clock);
      expect(JSON.stringify(together.ann)).not.toContain('bob v');
      expect(JSON.stringify(together.bob)).not.toContain('ann v');
      expect(together[lonely]).toEqual((await play(steps, [lonely], gateway.url, accounts, clock))[lonely]);
      for (const [kind] of JSON.stringify(together).matchAll(
        /"UPSTREAM_\w+"|"left"|v\d|"calls":\[\]|"\w+(?:Success|Error)"/g,
      ))
        seen.add(kind);
    });
    await fc.assert(property, { numRuns: RUNS, examples });
    // It has been there: kept answers, changes, calls that were given up, failures of each kind, outcomes of mutations.
    for (const kind of ['"calls":[]', 'v1', '"left"', '"UPSTREAM_UNAVAILABLE"', '"UPSTREAM_TIMEOUT"', ...OUTCOMES]) {
      expect(seen).toContain(kind);
    }
  },
  60_000 + RUNS * 1000,
);
