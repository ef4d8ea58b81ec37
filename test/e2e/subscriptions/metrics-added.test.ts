import { describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import type { SseStream } from '../../kit/client/sse.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { createGrowingLog } from '../../kit/store/growing-log.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const STEPS = `subscription ($sinceStep: Int) {
  fineTuningJobMetricsAdded(jobId: "${JOB}", sinceStep: $sinceStep) { point { step trainLoss } }
}`;

async function start() {
  const feed = await startFeed();
  feed.upstream.onJob(jobBody({ id: JOB }));
  const log = createGrowingLog(feed.upstream, JOB);
  let last = 0;
  return {
    feed,
    /** Adds metrics events of the next steps, and two other events. */
    addSteps(count: number) {
      log.grow(count, () => stepBody(++last, 5000, { train_loss: last / 1000 }));
      log.grow(2);
    },
    async finish() {
      log.grow(1, () => ({ message: 'The job has successfully completed' }));
      feed.upstream.onJob(jobBody({ id: JOB, status: 'succeeded', finished_at: feed.seconds() }));
      await feed.advanceBy(60_000);
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

const steps = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Reads until the stream is complete. Returns the steps. */
async function takeAll(stream: SseStream): Promise<number[]> {
  const received: number[] = [];
  for (let result = await stream.result(); result !== undefined; result = await stream.result()) {
    const { step, trainLoss } = Object(result).data.fineTuningJobMetricsAdded.point;
    expect(trainLoss).toBe(step / 1000);
    received.push(step);
  }
  return received;
}

describe('the steps of a job', () => {
  it('are sent in order, without gaps and duplicates: from now on, from the first, or after a given step', async () => {
    await using world = await start();
    world.addSteps(1500);
    const starts = [{}, { sinceStep: 0 }, { sinceStep: 700 }, { sinceStep: 1500 }];
    const streams = await Promise.all(starts.map((variables) => world.feed.subscribe(STEPS, variables)));
    await world.feed.advanceBy(0);
    for (const count of [500, 0, 1, 99]) {
      world.addSteps(count);
      await world.feed.advanceBy(INTERVAL_MS);
    }
    await world.finish();
    for (const [index, first] of [1501, 1, 701, 1501].entries()) {
      expect(await takeAll(streams[index] as SseStream), `reader ${index}`).toEqual(steps(first, 2100));
    }
  });

  it('continue after the last step read, after a break without polls', async () => {
    await using world = await start();
    await using before = await world.feed.subscribe(STEPS);
    await world.feed.advanceBy(0);
    world.addSteps(150);
    await world.feed.advanceBy(INTERVAL_MS);
    for (let step = 1; step <= 120; step++) {
      expect(await before.result()).toMatchObject({ data: { fineTuningJobMetricsAdded: { point: { step } } } });
    }
    before.close();
    await world.feed.streamsEnded(1);
    world.addSteps(400);
    await world.feed.advanceBy(600_000);
    await using after = await world.feed.subscribe(STEPS, { sinceStep: 120 });
    await world.feed.advanceBy(0);
    world.addSteps(30);
    await world.finish();
    expect(await takeAll(after)).toEqual(steps(121, 580));
  });

  it('are read back to the given step, and no further', async () => {
    await using world = await start();
    world.addSteps(1500);
    await using stream = await world.feed.subscribe(STEPS, { sinceStep: 1350 });
    const pages = (await world.feed.advanceBy(0)).filter(({ target }) => target.includes('/events'));
    expect(pages).toHaveLength(2);
    expect(await stream.result()).toMatchObject({ data: { fineTuningJobMetricsAdded: { point: { step: 1351 } } } });
  });

  it('are sent once the job reaches the given step', async () => {
    await using world = await start();
    world.addSteps(10);
    await using stream = await world.feed.subscribe(STEPS, { sinceStep: 15 });
    await world.feed.advanceBy(0);
    world.addSteps(10);
    await world.finish();
    expect(await takeAll(stream)).toEqual(steps(16, 20));
  });
});
