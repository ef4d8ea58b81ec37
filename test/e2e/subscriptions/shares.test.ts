import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';
import { tokenFile } from '../../kit/process/token.ts';

const INTERVAL_MS = 2000; // The default.
/** The most that a document may have. */
const ALIASES = 29;

const statusOf = (id: string) => `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status } }`;
/** Each change costs one upstream call per alias. */
const COSTLY = `subscription { anyFineTuningJobStatusChanged { status job { ${Array.from(
  { length: ALIASES },
  (_, index) => `a${index}: checkpoints(first: ${index + 1}) { edges { node { id } } }`,
).join(' ')} } } }`;

async function start(settings: Record<string, string>) {
  const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'viewer' });
  const feed = await startFeed({ ...NO_CACHE, AUTH: 'tokens', AUTH_TOKENS_FILE: file, ...settings });
  return Object.assign(feed, {
    subscribeAs: (caller: 'ann' | 'bob', query: string) =>
      feed.subscribe(query, {}, { authorization: `Bearer ${tokens[caller]}` }),
  });
}

const isCheckpoints = (target: string) => target.includes('/checkpoints');
const countCheckpoints = ({ upstream }: Feed) => upstream.calls.filter(({ target }) => isCheckpoints(target)).length;

describe('the upstream calls of the events of a subscription', () => {
  const POINTS = 100;
  const STATUSES = ['running', 'paused'];

  async function startCostly() {
    const feed = await start({ RATE_LIMIT_PER_MINUTE: String(POINTS) });
    const setStatus = (status = 'running') => {
      const job = jobBody({ id: 'ftjob-1', status });
      feed.upstream.onJobs([job]);
      feed.upstream.onJob(job);
    };
    feed.upstream.onCheckpoints('ftjob-1', []);
    setStatus();
    const changes = async (count: number) => {
      for (let index = 1; index <= count; index++) {
        setStatus(STATUSES[index % STATUSES.length]);
        await feed.advanceBy(INTERVAL_MS);
      }
    };
    return Object.assign(feed, { changes, setStatus });
  }

  it('spend points of the subscriber; without points its next event waits, and polls continue', async () => {
    await using feed = await startCostly();
    await using stream = await feed.subscribeAs('ann', COSTLY);
    expect(stream.status).toBe(200);
    await feed.changes(10);
    const calls = countCheckpoints(feed);
    expect(calls).toBeGreaterThanOrEqual(ALIASES);
    expect(calls).toBeLessThanOrEqual(POINTS + ALIASES); // The calls of one event start together.
    await feed.changes(4);
    expect(countCheckpoints(feed)).toBe(calls);
    expect((await feed.advanceBy(INTERVAL_MS)).filter(({ target }) => !isCheckpoints(target))).not.toEqual([]);
  });

  it('go on with the points of another subscriber, up to the last state', async () => {
    await using feed = await startCostly();
    await using anns = await feed.subscribeAs('ann', COSTLY);
    await feed.changes(10);
    const before = countCheckpoints(feed);
    feed.setStatus('cancelled');
    await feed.advanceBy(INTERVAL_MS);
    expect(countCheckpoints(feed)).toBe(before);
    await using bobs = await feed.subscribeAs('bob', COSTLY);
    expect(bobs.status).toBe(200);
    await feed.advanceBy(5 * INTERVAL_MS);
    const statuses: unknown[] = [];
    while (statuses.at(-1) !== 'CANCELLED') {
      const result = (await anns.result()) as { data: { anyFineTuningJobStatusChanged: { status: string } } };
      statuses.push(result.data.anyFineTuningJobStatusChanged.status);
    }
    expect(statuses.length).toBeLessThan(10); // The states in between were conflated.
  });

  it('do not delay an event that needs none', async () => {
    await using feed = await startCostly();
    await using costly = await feed.subscribeAs('ann', COSTLY);
    await using plain = await feed.subscribeAs('bob', statusOf('ftjob-1'));
    await using plainOfAnn = await feed.subscribeAs('ann', 'subscription { anyFineTuningJobStatusChanged { status } }');
    expect(costly.status).toBe(200);
    await feed.changes(10);
    for (const stream of [plain, plainOfAnn]) {
      for (let index = 0; index < 10; index++) expect(await stream.result()).toHaveProperty('data');
    }
  });
});

describe('the polls of many subscriptions', () => {
  const JOBS = 150;
  const MAX_RPS = 20;
  const SECONDS = 30;

  it('use at most half of UPSTREAM_MAX_RPS, and those of another caller are not delayed', async () => {
    await using feed = await start({ UPSTREAM_MAX_RPS: String(MAX_RPS) });
    await using streams = new AsyncDisposableStack();
    for (let index = 0; index < JOBS; index++) {
      feed.upstream.onJob(jobBody({ id: `ftjob-${index}` }));
      streams.use(await feed.subscribeAs('ann', statusOf(`ftjob-${index}`)));
    }
    feed.upstream.onJob(jobBody({ id: 'ftjob-of-bob' }));
    streams.use(await feed.subscribeAs('bob', statusOf('ftjob-of-bob')));
    const calls = await feed.advanceBy(SECONDS * 1000);
    expect(calls.length).toBeLessThanOrEqual((SECONDS * MAX_RPS) / 2 + MAX_RPS + 1);
    expect(calls.length).toBeGreaterThan((SECONDS * MAX_RPS) / 2 - MAX_RPS);
    const ofBob = calls.filter(({ target }) => target.endsWith('ftjob-of-bob'));
    expect(ofBob.length).toBeGreaterThanOrEqual(SECONDS / 3);
    const perJob = new Set(calls.map(({ target }) => target));
    expect(perJob.size).toBeGreaterThan(JOBS); // Each job is polled, only later.
  });

  it('read no page of a slow list more often than its last one', async () => {
    await using feed = await start({ UPSTREAM_MAX_RPS: '10' });
    const jobs = Array.from({ length: 1000 }, (_, index) =>
      jobBody({ id: `ftjob-${index}`, created_at: 1_760_000_000 - index }),
    );
    feed.upstream.onJobs(jobs);
    await using stream = await feed.subscribeAs('ann', 'subscription { anyFineTuningJobStatusChanged { status } }');
    expect(stream.status).toBe(200);
    const calls = await feed.advanceBy(SECONDS * 1000);
    const count = (end: string) => calls.filter(({ target }) => target.endsWith(end)).length;
    const [first, last] = [count('limit=100'), count('after=ftjob-899')];
    expect(last).toBeGreaterThan(3);
    expect(first).toBeLessThanOrEqual(last + 1);
  });
});
