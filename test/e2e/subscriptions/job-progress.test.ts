import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import type { SseStream } from '../../kit/client/sse.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';

const INTERVAL_MS = 2000; // The default.
const ONE = `subscription ($id: ID!) {
  fineTuningJobProgressChanged(jobId: $id) { job { id status } progress { step totalSteps fraction } }
}`;
const ANY = `subscription ($filter: FineTuningJobChangeFilter) {
  anyFineTuningJobProgressChanged(filter: $filter) { job { id status } progress { step } }
}`;

/** Starts a gateway over jobs by id, newest first. `setStep` sets the last step in the log of a job. */
async function start(jobs: Record<string, Record<string, unknown>>, settings: Record<string, string> = {}) {
  const feed = await startFeed(settings);
  const bodies = new Map(
    Object.entries(jobs).map(([id, members], index) => [
      id,
      jobBody({ id, created_at: 1_760_000_000 - index, ...members }),
    ]),
  );
  function setJob(id: string, members: Record<string, unknown>) {
    bodies.set(id, { ...bodies.get(id), ...members, id });
    feed.upstream.onJobs([...bodies.values()]);
    for (const body of bodies.values()) feed.upstream.onJob(body);
  }
  function setStep(id: string, step: number, total = 100) {
    const steps = Array.from({ length: step }, (_, index) => stepBody(index + 1, total));
    feed.upstream.onEvents(id, [eventBody(`${id}-created`), ...steps].reverse());
  }
  for (const id of bodies.keys()) {
    setJob(id, {});
    setStep(id, 0);
  }
  return { ...feed, setJob, setStep, [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

type Progress = [id: string, status: string, step: number | null];

async function take(stream: SseStream, count: number): Promise<Progress[]> {
  const moves: Progress[] = [];
  while (moves.length < count) {
    const [change] = Object.values(Object(await stream.result()).data) as [Record<string, Record<string, unknown>>];
    moves.push([change['job']?.['id'], change['job']?.['status'], change['progress']?.['step'] ?? null] as Progress);
  }
  return moves;
}

describe('a subscription to the progress of a job', () => {
  it('sends the present step, each move, and completes at the end', async () => {
    await using feed = await start({ a: { status: 'queued' } });
    await using stream = await feed.subscribe(ONE, { id: 'a' });
    await feed.advanceBy(0);
    expect(await take(stream, 1)).toEqual([['a', 'QUEUED', null]]);
    feed.setJob('a', { status: 'running' });
    feed.setStep('a', 10);
    await feed.advanceBy(10 * INTERVAL_MS);
    feed.setStep('a', 11);
    await feed.advanceBy(2 * INTERVAL_MS);
    feed.setStep('a', 40);
    await feed.advanceBy(2 * INTERVAL_MS);
    feed.setJob('a', { status: 'succeeded' });
    await feed.advanceBy(20_000);
    expect(await take(stream, 4)).toEqual([
      ['a', 'RUNNING', 10],
      ['a', 'RUNNING', 11],
      ['a', 'RUNNING', 40],
      ['a', 'SUCCEEDED', 40],
    ]);
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await feed.advanceBy(600_000)).toEqual([]);
  });

  it('costs at most one call per interval for 1,000 subscribers, who all get each move', async () => {
    await using feed = await start({ a: { status: 'running' } });
    const query = 'subscription { fineTuningJobProgressChanged(jobId: "a") { progress { step } } }';
    using crowd = await feed.subscribeAll(Array(1000).fill(query));
    await feed.advanceBy(0);
    expect(await crowd.results()).toHaveLength(1000);
    await feed.advanceBy(30_000);
    for (let step = 1; step <= 20; step++) {
      feed.setStep('a', step);
      expect((await feed.advanceBy(INTERVAL_MS)).length).toBeLessThanOrEqual(1);
    }
    feed.setStep('a', 21);
    await feed.advanceBy(2 * INTERVAL_MS);
  });

  it('sends each move within two intervals when the job itself is polled in each interval', async () => {
    await using feed = await start({ a: { status: 'running' } }, { POLL_INTERVAL_MS: '20000' });
    await using stream = await feed.subscribe(ONE, { id: 'a' });
    await feed.advanceBy(5000);
    await feed.gateway.query('{ fineTuningJob(id: "a") { status } }'); // The polls of the job follow it.
    for (let step = 1; step <= 3; step++) {
      await feed.advanceBy(40_000);
      feed.setStep('a', step);
    }
    await feed.advanceBy(40_000);
    expect(await take(stream, 4)).toEqual([null, 1, 2, 3].map((step) => ['a', 'RUNNING', step]));
  });

  it('never moves backward, and shows the present state first to a client that reconnects', async () => {
    await using feed = await start({ a: { status: 'running' } }, NO_CACHE); // A cached log keeps its steps.
    feed.setStep('a', 30);
    await using stream = await feed.subscribe(ONE, { id: 'a' });
    await feed.advanceBy(0);
    feed.setStep('a', 20);
    await feed.advanceBy(3 * INTERVAL_MS);
    await using later = await feed.subscribe(ONE, { id: 'a' });
    expect(await take(later, 1)).toEqual([['a', 'RUNNING', 30]]);
    feed.setStep('a', 31);
    await feed.advanceBy(3 * INTERVAL_MS);
    feed.setJob('a', { status: 'paused' });
    feed.setStep('a', 20);
    await feed.advanceBy(10 * INTERVAL_MS);
    expect(await take(stream, 3)).toEqual([
      ['a', 'RUNNING', 30],
      ['a', 'RUNNING', 31],
      ['a', 'PAUSED', 31],
    ]);
  });

  it('follows the steps in the job itself, on servers that have them there', async () => {
    await using feed = await start({ a: { status: 'running', trained_steps: 5, total_steps: 10 } });
    feed.upstream.on('/fine_tuning/jobs/a/events', undefined); // 404
    await using stream = await feed.subscribe(ONE, { id: 'a' });
    await feed.advanceBy(INTERVAL_MS);
    feed.setJob('a', { trained_steps: 7 });
    feed.upstream.on('/fine_tuning/jobs/a/events', undefined);
    await feed.advanceBy(20_000);
    expect(await take(stream, 2)).toEqual([
      ['a', 'RUNNING', 5],
      ['a', 'RUNNING', 7],
    ]);
  });

  it('survives an outage, and fails for a job that does not exist', async () => {
    await using feed = await start({ a: { status: 'running' } });
    await using stream = await feed.subscribe(ONE, { id: 'a' });
    await feed.advanceBy(0);
    feed.upstream.failAll((_, response) => void response.writeHead(500).end('{}'));
    await feed.advanceBy(60_000);
    feed.upstream.failAll(null);
    feed.setStep('a', 3);
    await feed.advanceBy(60_000);
    expect(await take(stream, 2)).toEqual([
      ['a', 'RUNNING', null],
      ['a', 'RUNNING', 3],
    ]);
    await using missing = await feed.subscribe(ONE, { id: 'missing' });
    await feed.advanceBy(0);
    expect(await missing.result()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });
});

describe('a subscription to the progress of all jobs', () => {
  it('sends the present steps of active jobs, moves of any, and new jobs', async () => {
    await using feed = await start({ a: { status: 'running' }, b: { status: 'succeeded' }, c: { status: 'running' } });
    feed.setStep('a', 4);
    feed.setStep('c', 7);
    await using stream = await feed.subscribe(ANY);
    await feed.advanceBy(0);
    expect((await take(stream, 2)).toSorted()).toEqual([
      ['a', 'RUNNING', 4],
      ['c', 'RUNNING', 7],
    ]);
    feed.setStep('c', 8);
    await feed.advanceBy(2 * INTERVAL_MS);
    expect(await take(stream, 1)).toEqual([['c', 'RUNNING', 8]]);
    await using later = await feed.subscribe(ANY, { filter: { modelIds: ['other'] } });
    feed.setJob('a', { status: 'failed' });
    await feed.advanceBy(20_000);
    expect(await take(stream, 1)).toEqual([['a', 'FAILED', 4]]);
    feed.setJob('c', { status: 'cancelled', model: 'other' });
    await feed.advanceBy(20_000);
    expect(await take(later, 1)).toEqual([['c', 'CANCELLED', 8]]);
  });

  it('costs at most 30 calls per interval for 1,000 subscribers and 30 moving jobs, and reads each of them', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `ftjob-${index}`);
    await using feed = await start(Object.fromEntries(ids.map((id) => [id, { status: 'running' }])));
    using crowd = await feed.subscribeAll(Array(1000).fill(ANY.replace('status', '')));
    await feed.advanceBy(20_000);
    expect(crowd).toBeDefined();
    const reads = new Map<string, number>();
    for (let interval = 0; interval < 20; interval++) {
      for (const id of ids) feed.setStep(id, interval + 1);
      const calls = await feed.advanceBy(INTERVAL_MS);
      expect(calls.length).toBeLessThanOrEqual(30);
      for (const { target } of calls) reads.set(target, (reads.get(target) ?? 0) + 1);
    }
    for (const id of ids) expect(reads.get(`/fine_tuning/jobs/${id}/events?limit=20`)).toBeGreaterThan(10);
  });
});
