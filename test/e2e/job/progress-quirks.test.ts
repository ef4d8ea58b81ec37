import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const EVENTS = '/fine_tuning/jobs/ftjob-1/events';
const SELECTION = 'step totalSteps fraction epoch estimatedFinishAt';
const QUERY = `{ fineTuningJob(id: "ftjob-1") { progress { ${SELECTION} } } }`;
const NOTHING = { step: null, totalSteps: null, fraction: null, epoch: null, estimatedFinishAt: null };

/** The time of the test's clock, in seconds. */
const NOW = Date.UTC(2026, 0, 1) / 1000;
const started = eventBody('ftevent-0', {
  created_at: NOW - 400,
  message: 'Fine-tuning job started',
  data: null,
});

/** A step, at a number of seconds after the start of the job, which was 400 seconds ago. */
const stepAt = (step: number, totalSteps: number, seconds: number, data = {}) => ({
  ...stepBody(step, totalSteps, data),
  created_at: NOW - 400 + seconds,
});

/** A world with one job: its body has these members too, and its log these events, newest first. */
async function startWith(members: Record<string, unknown>, events: readonly { id: string }[]): Promise<World> {
  const world = await startWorld();
  world.upstream.onJob(jobBody({ ...members, id: 'ftjob-1' }));
  world.upstream.onEvents('ftjob-1', events);
  return world;
}

async function progressOf(members: Record<string, unknown>, events: readonly { id: string }[]): Promise<unknown> {
  await using world = await startWith(members, events);
  const { fineTuningJob } = await world.ask(QUERY);
  return (fineTuningJob as { progress: unknown }).progress;
}

describe('the progress of a running job', () => {
  it('has a field for every value', async () => {
    // 10 steps in 20 seconds: 120 seconds for the remaining 60 steps.
    const events = [stepAt(60, 120, 300), stepAt(55, 120, 290), stepAt(50, 120, 280), started];
    expect(await progressOf({}, events)).toEqual({
      step: 60,
      totalSteps: 120,
      fraction: 0.5,
      epoch: 1.5,
      estimatedFinishAt: NOW + 20,
    });
  });

  it.each([
    ['there are no events', []],
    ['there is no step', [started]],
    ['the only step is negative', [stepAt(0, 10, 1, { step: -5 })]],
  ])('is null while %s', async (_, events) => {
    expect(await progressOf({}, events)).toBeNull();
  });

  it.each([[undefined], [null], [0], [-1], ['many']])(
    'has neither a total nor a fraction when total_steps is %j',
    async (total_steps) => {
      const events = [stepAt(100, 0, 20, { total_steps }), stepAt(90, 0, 10, { total_steps })];
      expect(await progressOf({}, events)).toEqual({ ...NOTHING, step: 100 });
    },
  );

  it('is at most 1, and then finishes now', async () => {
    expect(await progressOf({}, [stepAt(12, 10, 20), stepAt(11, 10, 10)])).toEqual({
      step: 12,
      totalSteps: 10,
      fraction: 1,
      epoch: 3,
      estimatedFinishAt: NOW,
    });
  });

  it.each([
    ['in its method', { hyperparameters: null }, 1.5],
    ['outside of it, as in old jobs', { method: null }, 1.5],
    [
      'outside of it, while the method says "auto"',
      { method: { type: 'dpo', dpo: { hyperparameters: { n_epochs: 'auto' } } } },
      1.5,
    ],
    ['nowhere', { hyperparameters: null, method: null }, null],
    ['as "auto"', { hyperparameters: { n_epochs: 'auto' }, method: null }, null],
  ])('has the epoch when the number of epochs is %s', async (_, members, epoch) => {
    expect(await progressOf(members, [stepAt(5, 10, 1)])).toMatchObject({ fraction: 0.5, epoch });
  });

  it('does not depend on the events that other queries read', async () => {
    // The job rested a day before the newest steps.
    const events = Array.from({ length: 60 }, (_, index) =>
      stepAt(60 - index, 120, (index < 30 ? 90_000 : 600) - index),
    );
    await using world = await startWith({}, events);
    const before = await world.ask(QUERY);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints } } }');
    expect(await world.ask(QUERY)).toEqual(before);
    expect(before).toMatchObject({ fineTuningJob: { progress: { estimatedFinishAt: NOW - 400 + 90_060 } } });
  });

  it('prefers the estimate of the upstream', async () => {
    const events = [stepAt(60, 120, 300), stepAt(50, 120, 280)];
    expect(await progressOf({ estimated_finish: NOW + 9999 }, events)).toMatchObject({
      estimatedFinishAt: NOW + 9999,
    });
  });

  it('has its own estimate when that of the upstream has passed', async () => {
    const events = [stepAt(60, 120, 300), stepAt(50, 120, 280)];
    expect(await progressOf({ estimated_finish: NOW - 1 }, events)).toMatchObject({ estimatedFinishAt: NOW + 20 });
    expect(await progressOf({ estimated_finish: NOW - 1 }, [started, stepAt(60, 120, 300)])).toMatchObject({
      estimatedFinishAt: null,
    });
  });

  it('has no estimate in the past when the steps have stopped', async () => {
    const world = await startWith({}, [stepAt(60, 120, 300), stepAt(50, 120, 280)]);
    await using _ = world;
    world.clock.advance(3_600_000);
    expect(await world.ask(QUERY)).toMatchObject({ fineTuningJob: { progress: { estimatedFinishAt: NOW + 3600 } } });
  });

  it.each([
    ['without step events', [started], { step: 25, totalSteps: 50, fraction: 0.5, epoch: 1.5 }],
    ['behind the step events', [stepAt(30, 60, 1)], { step: 30, totalSteps: 60, fraction: 0.5 }],
    ['ahead of the step events', [stepAt(20, 50, 1)], { step: 25, totalSteps: 50, fraction: 0.5 }],
    ['beside step events without a total', [stepAt(20, 0, 1)], { step: 25, totalSteps: 50, fraction: 0.5 }],
  ])('has the steps that the job counts, %s', async (_, events, expected) => {
    expect(await progressOf({ trained_steps: 25, total_steps: 50 }, events)).toMatchObject(expected);
    expect(await progressOf({ trained_steps: '25', total_steps: '50' }, events)).toMatchObject(expected);
  });

  it.each([
    ['has no step yet', { trained_steps: 0, total_steps: 50 }],
    ['counts no steps', { trained_steps: null, total_steps: null }],
    ['has text without numbers', { trained_steps: 'many', total_steps: '' }],
  ])('is null without step events when the job %s', async (_, members) => {
    expect(await progressOf(members, [started])).toBeNull();
  });

  it.each([
    ['one step', [stepAt(60, 120, 300)]],
    ['steps of one second', [stepAt(60, 120, 300), stepAt(59, 120, 300)]],
    ['the same step twice', [stepAt(60, 120, 300), { ...stepAt(60, 120, 290), id: 'ftevent-again' }]],
  ])('has no estimate with %s', async (_, events) => {
    expect(await progressOf({}, events)).toMatchObject({ step: 60, estimatedFinishAt: null });
  });

  it('reads steps from events of any type', async () => {
    expect(
      await progressOf({}, [eventBody('ftevent-9', { data: { note: 1 } }), { ...stepAt(3, 4, 1), type: undefined }]),
    ).toMatchObject({
      step: 3,
      fraction: 0.75,
    });
  });

  it('reads one more page when many other events follow the last step', async () => {
    const others = Array.from({ length: 25 }, (_, index) => eventBody(`ftevent-other-${index}`, { created_at: NOW }));
    await using world = await startWith({ status: 'paused' }, [...others, stepAt(3, 4, 1)]);
    expect(await world.ask(QUERY)).toMatchObject({ fineTuningJob: { progress: { step: 3, fraction: 0.75 } } });
    expect(world.upstream.calls.slice(1).map(({ target }) => target)).toEqual([
      `${EVENTS}?limit=20`,
      `${EVENTS}?limit=100&after=ftevent-other-19`,
    ]);
  });

  it('costs one call, also together with `events`', async () => {
    await using world = await startWith({}, [stepAt(3, 4, 1)]);
    await world.ask(`{ fineTuningJob(id: "ftjob-1") { progress { step } events { edges { node { id } } } } }`);
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', EVENTS]);
  });
});

describe('the progress of a job that does not run', () => {
  it.each(['validating_files', 'queued', 'pending', 'notRunning', 'created'])(
    'is null without a call when the job is %s',
    async (status) => {
      await using world = await startWith({ status }, [stepAt(3, 4, 1)]);
      expect(await world.ask(QUERY)).toEqual({ fineTuningJob: { progress: null } });
      expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1']);
    },
  );

  it.each([
    ['its last steps', [started, stepAt(118, 120, 300), stepAt(117, 120, 290)], { step: 118, totalSteps: 120 }],
    ['no events', [], {}],
    ['events without steps', [started], {}],
  ])('is 1 when the job succeeded, with %s', async (_, events, rest) => {
    expect(await progressOf({ status: 'succeeded', finished_at: NOW }, events)).toEqual({
      ...NOTHING,
      ...rest,
      fraction: 1,
      epoch: 3,
    });
  });

  it.each(['failed', 'cancelled', 'canceled'])('is that of the last step when the job is %s', async (status) => {
    const events = [stepAt(60, 120, 300), stepAt(50, 120, 280)];
    expect(await progressOf({ status, estimated_finish: NOW + 9999 }, events)).toEqual({
      step: 60,
      totalSteps: 120,
      fraction: 0.5,
      epoch: 1.5,
      estimatedFinishAt: null,
    });
  });

  it('is null when the job was cancelled before its first step', async () => {
    expect(await progressOf({ status: 'cancelled' }, [started])).toBeNull();
  });

  it.each(['paused', 'pausing', 'resuming', 'cancelling'])('has no estimate when the job is %s', async (status) => {
    const events = [stepAt(60, 120, 300), stepAt(50, 120, 280)];
    expect(await progressOf({ status }, events)).toMatchObject({ step: 60, fraction: 0.5, estimatedFinishAt: null });
  });
});
