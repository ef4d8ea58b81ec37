import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startAccounts } from '../../kit/isolation/accounts.ts';
import { isOneByOne, QUESTIONS, type Question, questions } from '../../kit/isolation/operations.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Callers with tokens share what is read, but for what is theirs: who they are, what their role may see, their points.

const NAMES = ['vera', 'vic', 'otto'] as const;
type Name = (typeof NAMES)[number];
const ROLES = { vera: 'viewer', vic: 'viewer', otto: 'operator' };
const POINTS = 1_000_000_000;
/** Longer than anything is fresh. */
const LONG_MS = 3_600_000;

type Method = 'GET' | 'POST';
type Step =
  | { readonly turn: number }
  /** All of these at the same time, or one after another. */
  | { readonly ask: Question; readonly who: readonly Name[]; readonly method: Method; readonly inTurn: boolean }
  /** Both ask what is not known, and the one leaves who was first. */
  | { readonly share: Question; readonly leaver: Name; readonly method: Method };

const method = fc.constantFrom<Method>('GET', 'POST');
const shareable = questions.filter((question) => isOneByOne(question) && !['nobody', 'preview'].includes(question));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        ask: fc.constantFrom(...questions),
        who: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
        method,
        inTurn: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ turn: fc.constantFrom(500, 1000, 61_000, LONG_MS) }) },
    {
      weight: 1,
      arbitrary: fc.record({ share: fc.constantFrom(...shareable), leaver: fc.constantFrom(...NAMES), method }),
    },
  ),
  { minLength: 3, maxLength: 15 },
);

interface Answered {
  readonly remaining: number;
  readonly body: unknown;
}

async function start(names: readonly Name[]) {
  const clock = createTestClock();
  const accounts = await startAccounts(clock);
  const account = accounts.open('company');
  const { file, tokens } = tokenFile(Object.fromEntries(names.map((name) => [name, ROLES[name]])));
  const gateway = await startGateway(
    {
      OPENAI_BASE_URL: accounts.baseUrl,
      OPENAI_API_KEY: account.authorization.replace('Bearer ', ''),
      AUTH: 'tokens',
      AUTH_TOKENS_FILE: file,
      RATE_LIMIT_PER_MINUTE: String(POINTS),
    },
    clock,
  );
  let sent = 0;
  async function send(who: Name, params: { query: string; extensions?: object }, method: Method, signal?: AbortSignal) {
    sent++;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens[who]}` };
    const ending = signal ? { signal } : {};
    const response = await (method === 'POST'
      ? fetch(gateway.url, { method, headers, body: JSON.stringify(params), ...ending })
      : fetch(`${gateway.url}?${new URLSearchParams({ query: params.query })}`, { headers, ...ending }));
    const remaining = Number(response.headers.get('ratelimit-remaining'));
    return { remaining, body: (await response.json()) as Record<string, unknown> }; // The form of every GraphQL answer.
  }
  return {
    clock,
    account,
    send,
    /** Ends what was sent with this. Resolves when the gateway has noticed. */
    async leave(leaving: AbortController) {
      const before = gateway.log.length;
      leaving.abort();
      await until(() => gateway.log.slice(before).some(({ isAborted }) => isAborted === true));
    },
    /** Resolves when all that was sent has begun. */
    async received(who: Name) {
      await gateway.received(sent++);
      return await send(who, { query: '{ __typename }' }, 'POST');
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await accounts[Symbol.asyncDispose]();
    },
  };
}

/** What somebody is answered who is alone with a gateway, and what that costs. */
async function alone(name: Name) {
  await using world = await start([name]);
  const answers = new Map<Question, { body: unknown; cost: number }>();
  for (const question of questions) {
    const query = QUESTIONS[question];
    const told = await world.send(name, { query, extensions: { cost: true } }, 'POST');
    const { extensions, ...body } = told.body;
    const { cost } = extensions as { cost: { requested: number } }; // As it was asked for.
    answers.set(question, { body, cost: Math.max(1, cost.requested) });
  }
  return answers;
}

/** Holds the points of one caller against what it has spent. */
function createPurse() {
  let left = POINTS;
  return {
    /** One of `costs` was spent. A new minute may have begun: the library counts by the machine's own clock. */
    spent(costs: readonly number[], { remaining }: Answered) {
      expect([left, POINTS].flatMap((points) => costs.map((cost) => points - cost))).toContain(remaining);
      left = remaining;
    },
    /** That many were spent, and nobody was told. */
    lost(cost: number) {
      left -= cost;
    },
  };
}

it('callers with tokens never get what only another may see, nor spend its points, nor end its reads', async () => {
  const expected = { vera: await alone('vera'), vic: await alone('vic'), otto: await alone('otto') };
  expect(JSON.stringify(expected.vera.get('job'))).toContain('"raw":null');
  expect(JSON.stringify(expected.otto.get('job'))).toContain('"raw":{');
  await using world = await start(NAMES);
  const { clock, account } = world;
  const purses = { vera: createPurse(), vic: createPurse(), otto: createPurse() };
  const expectationOf = (who: Name, question: Question) => expected[who].get(question) ?? { body: null, cost: 0 };

  async function ask(who: Name, question: Question, method: Method) {
    const answered = await world.send(who, { query: QUESTIONS[question] }, method);
    const { body, cost } = expectationOf(who, question);
    expect(answered.body).toEqual(body);
    purses[who].spent(method === 'GET' ? [cost] : [1, cost], answered); // A kept answer costs a point.
  }

  async function share(question: Question, leaver: Name, method: Method) {
    const stayer = leaver === 'otto' ? 'vera' : 'otto';
    clock.advance(LONG_MS);
    account.fault = 'hang';
    const before = account.calls.length;
    const leaving = new AbortController();
    const query = QUESTIONS[question];
    const left = expect(world.send(leaver, { query }, method, leaving.signal)).rejects.toThrow();
    await until(() => account.hanging.size === 1);
    const staying = world.send(stayer, { query }, method);
    const lastly = await world.received(stayer);
    await world.leave(leaving);
    await left;
    account.fault = 'none';
    account.release();
    const { body, cost } = expectationOf(stayer, question);
    expect((await staying).body).toEqual(body);
    expect(new Set(account.calls.slice(before)).size).toBe(account.calls.length - before); // No call was made twice.
    purses[leaver].lost(expectationOf(leaver, question).cost);
    purses[stayer].spent([cost + 1], lastly);
  }

  const property = fc.asyncProperty(steps, async (steps) => {
    clock.advance(LONG_MS);
    for (const step of steps) {
      if ('turn' in step) clock.advance(step.turn);
      else if ('share' in step) await share(step.share, step.leaver, step.method);
      else if (step.inTurn) for (const who of step.who) await ask(who, step.ask, step.method);
      else await Promise.all(step.who.map((who) => ask(who, step.ask, step.method)));
    }
  });
  await fc.assert(property, { numRuns: 60, endOnFailure: true }); // What was spent is of all runs.
}, 60_000);
