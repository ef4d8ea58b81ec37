import { afterEach, describe, expect, it, vi } from 'vitest';
import { nextPollAfterFailureIn } from '../../../src/watch/poll/poll-interval.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { createGrowingLog } from '../../kit/store/growing-log.ts';

const INTERVAL_MS = 2000; // The default.
const IDS = ['ftjob-1', 'ftjob-2', 'ftjob-3', 'ftjob-4', 'ftjob-5', 'ftjob-6'];
const statusOf = (id: string) => `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status source } }`;
const result = (status: string, source: string) => ({ data: { fineTuningJobStatusChanged: { status, source } } });
const EVENTS = 'subscription { fineTuningJobEventAdded(jobId: "ftjob-1", fromStart: true) { event { id } } }';

/** Starts an outage. Resolves to a function that ends it. */
type Outage = (feed: Feed) => Promise<() => unknown>;

const OUTAGES: [string, Outage][] = [
  [
    'responds 503',
    async ({ upstream }) => {
      upstream.failAll((_, response) => writeResponse(response, 503, { error: { message: 'Overloaded.' } }));
      return () => upstream.failAll(null);
    },
  ],
  [
    'closes connections',
    async ({ upstream }) => {
      upstream.failAll((_, response) => void response.destroy());
      return () => upstream.failAll(null);
    },
  ],
  ['refuses connections', ({ upstream }) => upstream.refuse()],
];

function setStatus({ upstream }: Feed, status: string): void {
  for (const id of IDS) upstream.onJob(jobBody({ id, status }));
}

describe('a minute in which the upstream', () => {
  it.each(OUTAGES)(
    '%s ends no stream and costs few calls; then all get the present state by one poll of each job',
    async (_, startOutage) => {
      await using feed = await startFeed();
      const log = createGrowingLog(feed.upstream, 'ftjob-1');
      log.grow(3);
      setStatus(feed, 'running');
      const streams = [];
      for (const id of IDS) streams.push(await feed.subscribe(statusOf(id)));
      await using events = await feed.subscribe(EVENTS);
      await feed.advanceBy(0);
      const end = await startOutage(feed);
      const before = feed.attempts;
      await feed.advanceBy(60_000);
      expect(feed.attempts - before).toBeGreaterThan(4);
      expect(feed.attempts - before).toBeLessThan(16); // For all jobs together, and for the event log.
      await end();
      log.grow(250);
      setStatus(feed, 'paused');
      const targets: string[] = [];
      while (!IDS.every((id) => targets.includes(`/fine_tuning/jobs/${id}`))) {
        targets.push(...(await feed.advanceBy(1000)).map(({ target }) => target));
      }
      const polls = targets.filter((target) => !target.includes('/events'));
      expect(polls.toSorted()).toEqual(IDS.map((id) => `/fine_tuning/jobs/${id}`));
      for (const stream of streams) {
        expect(await stream.result()).toEqual(result('RUNNING', 'SNAPSHOT'));
        expect(await stream.result()).toEqual(result('PAUSED', 'POLL'));
      }
      await feed.advanceBy(20_000);
      for (const id of log.ids) {
        expect(await events.result()).toEqual({ data: { fineTuningJobEventAdded: { event: { id } } } });
      }
      for (const stream of streams) stream.close();
    },
  );

  it('responds 503 ends no stream of all jobs; then one page has the present state of all of them', async () => {
    await using feed = await startFeed();
    const list = (status: string) => feed.upstream.onJobs(IDS.map((id) => jobBody({ id, status })));
    list('running');
    await using stream = await feed.subscribe('subscription { anyFineTuningJobStatusChanged { job { id } status } }');
    await feed.advanceBy(0);
    feed.upstream.failAll((_, response) => writeResponse(response, 503, {}));
    const calls = await feed.advanceBy(60_000);
    expect(calls.length).toBeGreaterThan(2);
    expect(calls.length).toBeLessThan(8);
    feed.upstream.failAll(null);
    list('paused');
    let polls = 0;
    while (polls === 0) polls = (await feed.advanceBy(1000)).length;
    expect(polls).toBe(1);
    for (const status of ['RUNNING', 'PAUSED']) {
      for (const id of IDS) {
        expect(await stream.result()).toEqual({ data: { anyFineTuningJobStatusChanged: { job: { id }, status } } });
      }
    }
  });
});

describe('the polls during an outage', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([0, 0.5, 1])('back off with jitter (random %d)', async (random) => {
    await using feed = await startFeed();
    setStatus(feed, 'running');
    await using stream = await feed.subscribe(statusOf('ftjob-1'));
    await feed.advanceBy(0);
    vi.spyOn(Math, 'random').mockReturnValue(random);
    feed.upstream.failAll((_, response) => writeResponse(response, 503, {}));
    const expected: number[] = [];
    for (let at = INTERVAL_MS; at <= 60_000; at += nextPollAfterFailureIn(expected.length, INTERVAL_MS, random)) {
      expected.push(at);
    }
    expect((await feed.advanceBy(60_000)).map(({ at }) => at)).toEqual(expected);
    expect(await stream.result()).toEqual(result('RUNNING', 'SNAPSHOT'));
  });

  it('respect Retry-After', async () => {
    await using feed = await startFeed();
    setStatus(feed, 'running');
    await using stream = await feed.subscribe(statusOf('ftjob-1'));
    await feed.advanceBy(0);
    feed.upstream.failAll((_, response) => writeResponse(response, 429, {}, { 'retry-after': '120' }));
    expect((await feed.advanceBy(121_999)).map(({ at }) => at)).toEqual([INTERVAL_MS]);
    feed.upstream.failAll(null);
    setStatus(feed, 'paused');
    expect(await feed.advanceBy(1)).toHaveLength(1);
    expect(await stream.result()).toEqual(result('RUNNING', 'SNAPSHOT'));
    expect(await stream.result()).toEqual(result('PAUSED', 'POLL'));
  });
});
