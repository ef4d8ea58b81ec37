import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startAccounts } from '../../kit/isolation/accounts.ts';
import { isSequential, QUERIES, type QueryName, queryNames } from '../../kit/isolation/operations.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

// Callers with tokens share cached reads, but not their identity, the fields of their role, or their points.

const NAMES = ['vera', 'vic', 'otto'] as const;
type Name = (typeof NAMES)[number];
const ROLES = { vera: 'viewer', vic: 'viewer', otto: 'operator' };
const POINTS = 1_000_000_000;
/** Longer than every TTL. */
const LONG_MS = 3_600_000;

type Method = 'GET' | 'POST';
type Step =
  | { readonly advance: number }
  /** All callers at the same time, or one after another. */
  | {
      readonly query: QueryName;
      readonly callers: readonly Name[];
      readonly method: Method;
      readonly isSequential: boolean;
    }
  /** Two callers share a read, and the first one disconnects. */
  | { readonly share: QueryName; readonly aborting: Name; readonly method: Method };

const method = fc.constantFrom<Method>('GET', 'POST');
const shareable = queryNames.filter((name) => isSequential(name) && !['viewer', 'preview'].includes(name));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        query: fc.constantFrom(...queryNames),
        callers: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
        method,
        isSequential: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ advance: fc.constantFrom(500, 1000, 61_000, LONG_MS) }) },
    {
      weight: 1,
      arbitrary: fc.record({ share: fc.constantFrom(...shareable), aborting: fc.constantFrom(...NAMES), method }),
    },
  ),
  { minLength: 3, maxLength: 15 },
);

interface Result {
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
  let sentCount = 0;
  async function send(
    name: Name,
    params: { query: string; extensions?: object },
    method: Method,
    signal?: AbortSignal,
  ) {
    sentCount++;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens[name]}` };
    const options = signal ? { headers, signal } : { headers };
    const response = await (method === 'POST'
      ? fetch(gateway.url, { method, body: JSON.stringify(params), ...options })
      : fetch(`${gateway.url}?${new URLSearchParams({ query: params.query })}`, options));
    const remaining = Number(response.headers.get('ratelimit-remaining'));
    return { remaining, body: (await response.json()) as Record<string, unknown> }; // The format of every GraphQL response.
  }
  return {
    clock,
    account,
    send,
    /** Aborts a request. Resolves when the gateway has noticed. */
    async abort(client: AbortController) {
      const before = gateway.log.length;
      client.abort();
      await until(() => gateway.log.slice(before).some(({ isAborted }) => isAborted === true));
    },
    /** Resolves when the gateway has received all requests, to the response of one more. */
    async received(name: Name) {
      await gateway.received(sentCount++);
      return await send(name, { query: '{ __typename }' }, 'POST');
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await accounts[Symbol.asyncDispose]();
    },
  };
}

/** The responses and costs of a caller that has a gateway for itself. */
async function resultsAlone(name: Name) {
  await using world = await start([name]);
  const results = new Map<QueryName, { body: unknown; cost: number }>();
  for (const queryName of queryNames) {
    const result = await world.send(name, { query: QUERIES[queryName], extensions: { cost: true } }, 'POST');
    const { extensions, ...body } = result.body;
    const { cost } = extensions as { cost: { requested: number } }; // As requested.
    results.set(queryName, { body, cost: Math.max(1, cost.requested) });
  }
  return results;
}

/** Checks the remaining points of one caller against its spending. */
function createPointsCheck() {
  let left = POINTS;
  return {
    /** One of `costs` was spent. A new minute may have started: the rate limiter uses the system clock. */
    spent(costs: readonly number[], { remaining }: Result) {
      expect([left, POINTS].flatMap((points) => costs.map((cost) => points - cost))).toContain(remaining);
      left = remaining;
    },
    /** Points of a request without a response. */
    lost(cost: number) {
      left -= cost;
    },
  };
}

it('callers with tokens never get fields of another role, spend its points or abort its reads', async () => {
  const expected = {
    vera: await resultsAlone('vera'),
    vic: await resultsAlone('vic'),
    otto: await resultsAlone('otto'),
  };
  expect(JSON.stringify(expected.vera.get('job'))).toContain('"raw":null');
  expect(JSON.stringify(expected.otto.get('job'))).toContain('"raw":{');
  await using world = await start(NAMES);
  const { clock, account } = world;
  const points = { vera: createPointsCheck(), vic: createPointsCheck(), otto: createPointsCheck() };
  const expectedFor = (name: Name, queryName: QueryName) => expected[name].get(queryName) ?? { body: null, cost: 0 };

  async function query(name: Name, queryName: QueryName, method: Method) {
    const result = await world.send(name, { query: QUERIES[queryName] }, method);
    const { body, cost } = expectedFor(name, queryName);
    expect(result.body).toEqual(body);
    points[name].spent(method === 'GET' ? [cost] : [1, cost], result); // A cached response costs one point.
  }

  async function share(queryName: QueryName, aborting: Name, method: Method) {
    const waiting = aborting === 'otto' ? 'vera' : 'otto';
    clock.advance(LONG_MS);
    account.fault = 'hang';
    const before = account.calls.length;
    const client = new AbortController();
    const params = { query: QUERIES[queryName] };
    const aborted = expect(world.send(aborting, params, method, client.signal)).rejects.toThrow();
    await until(() => account.hanging.size === 1);
    const pending = world.send(waiting, params, method);
    const last = await world.received(waiting);
    await world.abort(client);
    await aborted;
    account.fault = 'none';
    account.release();
    const { body, cost } = expectedFor(waiting, queryName);
    expect((await pending).body).toEqual(body);
    expect(new Set(account.calls.slice(before)).size).toBe(account.calls.length - before); // No call was made twice.
    points[aborting].lost(expectedFor(aborting, queryName).cost);
    points[waiting].spent([cost + 1], last);
  }

  const property = fc.asyncProperty(steps, async (steps) => {
    clock.advance(LONG_MS);
    for (const step of steps) {
      if ('advance' in step) clock.advance(step.advance);
      else if ('share' in step) await share(step.share, step.aborting, step.method);
      else if (step.isSequential) for (const name of step.callers) await query(name, step.query, step.method);
      else await Promise.all(step.callers.map((name) => query(name, step.query, step.method)));
    }
  });
  await fc.assert(property, { numRuns: 60, endOnFailure: true }); // The points are counted over all runs.
}, 60_000);
