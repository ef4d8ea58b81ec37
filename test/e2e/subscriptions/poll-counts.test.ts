import { describe, expect, it } from 'vitest';
import { nextPollIn } from '../../../src/watch/poll/poll-interval.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startFeed } from '../../kit/gateway/feed.ts';

const INTERVAL_MS = 2000; // The default.
const idOf = (index: number) => `ftjob-${index}`;
const statusOf = (id: string) =>
  `subscription { fineTuningJobStatusChanged(jobId: "${id}") { job { id } status source } }`;
const result = (id: string, status: string, source: string) => ({
  data: { fineTuningJobStatusChanged: { job: { id }, status, source } },
});
const single = (id: string) => `/fine_tuning/jobs/${id}`;

/** Starts a gateway over an account with this number of jobs, newest first. */
async function startAccount(size: number) {
  const feed = await startFeed();
  const jobs = Array.from({ length: size }, (_, index) =>
    jobBody({ id: idOf(index), created_at: 1_760_000_000 - index }),
  );
  feed.upstream.onJobs(jobs);
  for (const job of jobs) feed.upstream.onJob(job);
  return feed;
}

describe('the polls of a job', () => {
  it('are one per interval for any number of subscribers, and each subscriber gets the result', async () => {
    await using feed = await startAccount(1);
    using crowd = await feed.subscribeAll(Array(1000).fill(statusOf('ftjob-0')));
    expect(await feed.advanceBy(0)).toEqual([{ target: single('ftjob-0'), at: 0 }]);
    expect(await crowd.results()).toEqual(Array(1000).fill(result('ftjob-0', 'RUNNING', 'SNAPSHOT')));
    feed.upstream.onJob(jobBody({ id: 'ftjob-0', status: 'paused' }));
    expect(await feed.advanceBy(INTERVAL_MS)).toEqual([{ target: single('ftjob-0'), at: INTERVAL_MS }]);
    expect(await crowd.results()).toEqual(Array(1000).fill(result('ftjob-0', 'PAUSED', 'POLL')));
    expect((await feed.advanceBy(5 * INTERVAL_MS)).map(({ at }) => at / INTERVAL_MS)).toEqual([1, 2, 3, 4, 5]);
  });

  it('have an interval by its status and by the time without a change', async () => {
    await using feed = await startFeed();
    feed.upstream.onJob(jobBody({ id: 'ftjob-0', status: 'queued' }));
    await using stream = await feed.subscribe(statusOf('ftjob-0'));
    const expected: number[] = [];
    for (let at = 0; at <= 300_000; at += nextPollIn('QUEUED', at, INTERVAL_MS)) expected.push(at);
    expect(new Set(expected.map((at, index) => at - (expected[index - 1] ?? at))).size).toBeGreaterThan(5); // The interval grows.
    expect((await feed.advanceBy(300_000)).map(({ at }) => Math.round(at))).toEqual(expected.map(Math.round));
    feed.upstream.onJob(jobBody({ id: 'ftjob-0', status: 'running' }));
    const calls = await feed.advanceBy(20_000);
    const observedAt = calls[0]?.at ?? Number.NaN;
    expect(calls.slice(0, 3).map(({ at }) => at - observedAt)).toEqual([0, INTERVAL_MS, 2 * INTERVAL_MS]);
    expect(await stream.result()).toEqual(result('ftjob-0', 'QUEUED', 'SNAPSHOT'));
    expect(await stream.result()).toEqual(result('ftjob-0', 'RUNNING', 'POLL'));
  });
});

describe('the polls of many jobs', () => {
  it('read ten pages of the list and no single job for the newest 1,000', async () => {
    await using feed = await startAccount(1200);
    using crowd = await feed.subscribeAll(Array.from({ length: 1000 }, (_, index) => statusOf(idOf(index))));
    for (const at of [0, INTERVAL_MS, INTERVAL_MS]) {
      const calls = await feed.advanceBy(at);
      const pages = calls.map(({ target }) => target.replace('/fine_tuning/jobs?limit=100', ''));
      expect(pages).toEqual(['', ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((page) => `&after=${idOf(page * 100 - 1)}`)]);
    }
    const results = await crowd.results();
    expect(new Set(results.map((one) => JSON.stringify(one))).size).toBe(1000);
    expect(results).toContainEqual(result('ftjob-999', 'RUNNING', 'SNAPSHOT'));
  });

  it('read six single jobs per interval and no page for six old ones', async () => {
    await using feed = await startAccount(3000);
    const old = [1500, 1700, 1900, 2100, 2300, 2999].map(idOf);
    using crowd = await feed.subscribeAll(old.map(statusOf));
    for (const at of [0, INTERVAL_MS, INTERVAL_MS]) {
      expect((await feed.advanceBy(at)).map(({ target }) => target)).toEqual(old.map(single));
    }
    expect(await crowd.results()).toHaveLength(6);
  });
});

describe('without subscribers', () => {
  it('there is no poll after a query', async () => {
    await using feed = await startAccount(1);
    await feed.ask('{ fineTuningJob(id: "ftjob-0") { status } }');
    expect(await feed.advanceBy(3_600_000)).toEqual([]);
  });

  it('the polls of a job, of its event log and of all jobs end with the last subscriber', async () => {
    await using feed = await startAccount(1);
    feed.upstream.onEvents('ftjob-0', []);
    const events = 'subscription { fineTuningJobEventAdded(jobId: "ftjob-0") { event { id } } }';
    const all = 'subscription { anyFineTuningJobStatusChanged { status } }';
    const streams = await Promise.all(
      [statusOf('ftjob-0'), statusOf('ftjob-0'), events, all].map((query) => feed.subscribe(query)),
    );
    await feed.advanceBy(INTERVAL_MS);
    for (const [index, stream] of streams.entries()) {
      const targets = new Set((await feed.advanceBy(INTERVAL_MS)).map(({ target }) => target.split('?')[0]));
      expect(targets.has('/fine_tuning/jobs')).toBe(true);
      expect(targets.has('/fine_tuning/jobs/ftjob-0/events')).toBe(index <= 2);
      stream.close();
      await feed.streamsEnded(index + 1);
    }
    expect(await feed.advanceBy(600_000)).toEqual([]);
    await using later = await feed.subscribe(statusOf('ftjob-0'));
    expect(await feed.advanceBy(0)).toHaveLength(1);
    expect(await later.result()).toEqual(result('ftjob-0', 'RUNNING', 'SNAPSHOT'));
  });
});
