import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSchema } from '../../../src/schema/schema.ts';
import { openSse } from '../../kit/client/sse.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type OddServer, oddServers, scriptOddServer } from '../../kit/gateway/odd-server.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';
import { randomQuery } from '../../kit/isolation/random-query.ts';
import { until } from '../../kit/until.ts';

// The price is what the caller's points of the minute are reduced by. The upstream's retries are off here: each one is a call
// that is charged like any other.

const RUNS = 100;
const SEED = 11;
const NO_LIMITS = { MAX_QUERY_COST: '0', MAX_QUERY_DEPTH: '0', MAX_QUERY_ALIASES: '0' };
const POINTS = 10_000_000;
/** The upstream is idle when it gets no further call for this time. */
const IDLE_MS = 10;

const VALUES = {
  id: ['"ftjob-0"', '"ftjob-1"', '"file-train-0"', '"file-none"', '"odd"', '"ft:base:1"'],
  ids: ['["ftjob-1", "odd", "even"]', '["file-1", "file-train-0", "file-3", "file-4", "ft:a", "ft:b"]'],
  first: ['', '2', '5', '30'],
  filter: ['', '{}'],
  maxPoints: ['', '16'],
  fileId: ['"file-result-0-0"', '"file-train-0"', '"file-none"'],
};

const PARTS = [
  'resultFiles { id }',
  'resultFiles { id preview { text } }',
  'checkpoints { edges { node { resultFiles { id } fineTunedModel { id } } } }',
  'metrics(maxPoints: 16) { totalPoints } progress { step } events { edges { cursor } }',
  'events(first: 1) { edges { node { id } } }',
  'model { id } fineTunedModel { id } trainingFile { id preview { text } } validationFile { id }',
];

const SUBSCRIPTIONS = [
  'fineTuningJobStatusChanged(jobId: "ftjob-0") { status job { resultFiles { id } } }',
  'anyFineTuningJobStatusChanged { job { resultFiles { id } model { id } } }',
  'fineTuningJobEventAdded(jobId: "ftjob-0") { event { id } }',
  'fineTuningJobEventAdded(jobId: "ftjob-0", fromStart: true) { event { id } }',
  'fineTuningJobEventAdded(jobId: "ftjob-0", since: "ftevent-0-1") { event { id } }',
  'fineTuningJobEventAdded(jobId: "ftjob-0", since: "ftevent-none") { event { id } }',
  'fineTuningJobEventAdded(jobId: "ftjob-none", fromStart: true) { event { id } }',
  'fineTuningJobMetricsAdded(jobId: "ftjob-0", sinceStep: 0) { point { step } }',
  'fineTuningJobMetricsAdded(jobId: "ftjob-0", sinceStep: 300) { point { step } }',
];

const schema = createSchema();
const operations = fc.oneof(
  fc.array(fc.nat(1000), { minLength: 10, maxLength: 40 }).map((choices) => randomQuery(schema, VALUES, choices, 6)),
  fc.constantFrom(...PARTS).map((part) => `{ fineTuningJobs(first: 30) { edges { node { ${part} } } } }`),
  fc.constantFrom(...PARTS).map((part) => `{ fineTuningJob(id: "ftjob-0") { ${part} } }`),
  fc.constantFrom(...SUBSCRIPTIONS).map((field) => `subscription { ${field} }`),
);

/** Executes operations one by one against this server. Returns those whose calls cost fewer points. */
async function underpaid(server: OddServer, queries: readonly string[]) {
  await using upstream = await startUpstream();
  scriptOddServer(upstream, server);
  const settings = {
    OPENAI_BASE_URL: upstream.baseUrl,
    RATE_LIMIT_PER_MINUTE: String(POINTS),
    ...NO_CACHE,
    ...NO_LIMITS,
  };
  const clock = createTestClock(); // No poll after the first.
  await using gateway = await startGateway(settings, clock);
  const remaining = async () => {
    const response = await fetch(`${gateway.url}?query={__typename}`);
    await response.body?.cancel();
    return Number(response.headers.get('ratelimit-remaining'));
  };
  const results: { query: string; calls: number; paid: number }[] = [];
  for (const query of queries) {
    const [callsBefore, pointsBefore] = [upstream.calls.length, await remaining()];
    if (query.startsWith('subscription')) await receiveFirst(gateway.url, query, clock, upstream.calls);
    else await gateway.query(query);
    const paid = pointsBefore - (await remaining()) - 1; // Without the point of the second probe.
    results.push({ query, calls: upstream.calls.length - callsBefore, paid });
  }
  return results.filter(({ calls, paid }) => calls > paid);
}

/** Subscribes until there is a result, or until the upstream gets no further calls. */
async function receiveFirst(url: string, query: string, clock: TestClock, calls: readonly unknown[]): Promise<void> {
  const before = calls.length;
  await using stream = await openSse(url, { query });
  let hasResult = false;
  const result = stream.result().then(() => {
    hasResult = true;
  });
  await until(() => {
    clock.advance(0); // Starts the first poll.
    return hasResult || calls.length > before; // Without a cached result, each subscription reads its job.
  });
  const isIdle = async () => {
    for (let count = -1; count < calls.length; ) {
      count = calls.length;
      await setTimeout(IDLE_MS);
      clock.advance(0);
    }
  };
  await Promise.race([result, isIdle()]);
  await isIdle();
}

it(`no operation causes more upstream calls than the points it costs, for ${RUNS} random servers`, async () => {
  await fc.assert(
    fc.asyncProperty(oddServers, fc.array(operations, { minLength: 1, maxLength: 2 }), async (server, queries) => {
      expect(await underpaid(server, queries)).toEqual([]);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 60_000);
