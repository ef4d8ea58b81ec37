import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const QUERY = '{ fineTuningJob(id: "ftjob-1") { startedAt endedAt durationSeconds } }';
const CREATED_AT = 1_760_000_000;

const eventAt = (seconds: number, message: string) =>
  eventBody(`ftevent-${seconds}-${message.length}`, { created_at: CREATED_AT + seconds, message });
const created = eventAt(0, 'Created fine-tuning job');
const started = eventAt(50, 'Fine-tuning job started');

/** The times of a job with these events, oldest first, in seconds since its creation, and the upstream calls. */
async function timesOf(members: Record<string, unknown>, events: ReturnType<typeof eventBody>[]) {
  await using world = await startWorld();
  world.upstream.onJob(jobBody({ id: 'ftjob-1', created_at: CREATED_AT, finished_at: null, ...members }));
  world.upstream.onEvents('ftjob-1', events.toReversed());
  const { fineTuningJob } = await world.ask<{ fineTuningJob: Record<string, number | null> }>(QUERY);
  const since = (time: number | null | undefined) => (time == null ? null : time - CREATED_AT);
  const { startedAt, endedAt, durationSeconds } = fineTuningJob;
  return { times: [since(startedAt), since(endedAt), durationSeconds], calls: world.upstream.calls.length };
}

describe('the times of a job', () => {
  it.each([
    [
      'succeeded',
      { status: 'succeeded', finished_at: CREATED_AT + 793 },
      'The job has successfully completed',
      [50, 793, 743],
    ],
    ['failed', { status: 'failed' }, 'The job failed due to an unsafe training file', [50, 800, 750]],
    ['cancelled', { status: 'cancelled' }, 'Fine tuning process stopping due to job cancellation', [50, 800, 750]],
    ['running', { status: 'running' }, 'Step 1/10: training loss=1.00', [50, null, null]],
  ])('are known when it has %s', async (_, members, lastMessage, expected) => {
    const events = [created, started, eventAt(800, lastMessage)];
    expect(await timesOf(members, events)).toEqual({ times: expected, calls: 2 });
  });

  it('are null before it starts, and when it failed without events', async () => {
    expect((await timesOf({ status: 'queued' }, [created])).times).toEqual([null, null, null]);
    expect((await timesOf({ status: 'failed' }, [])).times).toEqual([null, null, null]);
  });

  it('start with the first step when no event says so', async () => {
    const steps = [1, 2, 3].map((step) => stepBody(step, 3));
    const { times } = await timesOf({ status: 'succeeded', finished_at: CREATED_AT + 793 }, [created, ...steps]);
    expect(times).toEqual([100, 793, 693]);
  });

  it('start with that event on Azure', async () => {
    expect((await timesOf({ status: 'running' }, [created, eventAt(70, 'Job started.')])).times[0]).toBe(70);
  });

  it('are found behind 800 steps, within the price of the fields, and not behind 2,000', async () => {
    const stepsOf = (count: number) => Array.from({ length: count }, (_, index) => stepBody(index + 1, count));
    const job = { status: 'succeeded', finished_at: CREATED_AT + 900 };
    const found = await timesOf(job, [created, started, ...stepsOf(800)]);
    expect(found.times).toEqual([50, 900, 850]);
    expect(found.calls).toBeLessThanOrEqual(1 + 10);
    const lost = await timesOf(job, [created, started, ...stepsOf(2_000)]);
    expect(lost.times).toEqual([null, 900, null]);
    expect(lost.calls).toBeLessThanOrEqual(1 + 10);
  });
});
