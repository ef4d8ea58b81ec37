import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CANCELLABLE,
  cancelPlan,
  PAUSABLE,
  pausePlan,
  RESUMABLE,
  resumePlan,
} from '../../../../src/sandbox/simulation/intervention.ts';
import { statusAt } from '../../../../src/sandbox/simulation/lifecycle.ts';
import { newSecret } from '../../../kit/bodies/webhook.ts';
import { startReceiver } from '../../../kit/gateway/webhook-receiver.ts';
import { CREATED_AT, outcomes, planOf, timeOf } from '../plan.ts';
import { lines, openWritable, UNTIL_ENDED, UNTIL_RUNNING } from '../write.ts';

const TRANSITION_MS = 10_000; // More than the maximum duration of pausing and of resuming.

describe('cancel', () => {
  it('cancels the job at once, without finished_at, and adds an event later', async () => {
    const { created, control, job, events, clock } = await openWritable();
    const { id } = await created();
    clock.advance(UNTIL_RUNNING);
    const { status, body } = await control(id, 'cancel');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id, status: 'cancelled', finished_at: null, error: {} },
    });
    expect((await events(id)).filter(({ level }) => level === 'warn')).toEqual([]);
    clock.advance(UNTIL_ENDED);
    expect(await job(id)).toMatchObject({ status: 'cancelled', finished_at: null, fine_tuned_model: null });
    expect((await events(id))[0]?.message).toBe('Fine tuning process stopping due to job cancellation');
  });

  it('cancels a generated job, and keeps its earlier events', async () => {
    const { jobs, control, events, job } = await openWritable();
    const running = (await jobs()).find(({ status }) => status === 'running')?.id ?? '';
    const before = await events(running);
    expect(before.length).toBeGreaterThan(4);
    await control(running, 'cancel');
    expect(await events(running)).toEqual(before);
    expect((await job(running)).status).toBe('cancelled');
  });
});

describe('pause', () => {
  it('creates a checkpoint, and training continues from it after a resume', async () => {
    const { uploaded, created, control, job, events, checkpoints, clock } = await openWritable();
    const { id: training_file } = await uploaded(lines(50));
    const { id } = await created({ training_file, hyperparameters: { n_epochs: 2, batch_size: 1 } });
    clock.advance(UNTIL_RUNNING + 10_000);
    const before = await events(id);
    expect((await control(id, 'pause')).body.status).toBe('pausing');
    expect(await checkpoints(id)).toEqual([]);
    clock.advance(TRANSITION_MS);
    expect((await job(id)).status).toBe('paused');
    const [saved] = await checkpoints(id);
    expect(saved?.fine_tuned_model_checkpoint).toMatch(new RegExp(`:ckpt-step-${saved?.step_number}$`));
    clock.advance(UNTIL_ENDED);
    expect(await events(id)).toEqual(before);
    expect((await control(id, 'resume')).body.status).toBe('resuming');
    clock.advance(TRANSITION_MS);
    expect((await job(id)).status).toBe('running');
    clock.advance(UNTIL_ENDED);
    expect((await job(id)).status).toBe('succeeded');
    const steps = (await events(id)).filter(({ type }) => type === 'metrics');
    expect(steps.map(({ data }) => data?.['step'])).toEqual(Array.from({ length: 100 }, (_, index) => 100 - index));
    expect((await checkpoints(id)).map(({ step_number }) => step_number)).toEqual([100, 50, saved?.step_number]);
  });

  it('lasts until a resume, and does not shorten the training', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(10_000_000), (part, wait) => {
        const plan = planOf();
        const [startedAt, endedAt] = [timeOf(plan, 'running'), timeOf(plan, 'succeeded')];
        const at = startedAt + Math.floor(((endedAt - startedAt - 1) * part) / 100);
        const pausedPlan = pausePlan(plan, at);
        const pausedAt = pausedPlan.changes.at(-1)?.at ?? 0;
        expect(statusAt(pausedPlan, pausedAt + 1e12)).toBe('paused');
        const resumedPlan = resumePlan(pausedPlan, pausedAt + wait);
        const restartedAt = resumedPlan.changes.findLast(({ status }) => status === 'running')?.at ?? 0;
        expect(timeOf(resumedPlan, 'succeeded') - restartedAt + at - startedAt).toBe(endedAt - startedAt);
      }),
    );
  });

  it('of a generated job ends with a resume, and the job succeeds', async () => {
    const { jobs, control, job, clock } = await openWritable();
    const { id = '' } = (await jobs()).find(({ status }) => status === 'paused') ?? {};
    await control(id, 'resume');
    clock.advance(86_400_000);
    expect((await job(id)).status).toBe('succeeded');
  });
});

describe('an intervention', () => {
  const interventions = [
    ['cancel', CANCELLABLE, cancelPlan],
    ['pause', PAUSABLE, pausePlan],
    ['resume', RESUMABLE, resumePlan],
  ] as const;

  it('keeps the earlier statuses', () => {
    const times = fc.nat(20_000_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...outcomes),
        fc.constantFrom(...interventions),
        times,
        times,
        (outcome, intervention, age, before) => {
          const [, statuses, changePlan] = intervention;
          const plan = planOf({ outcome });
          const now = CREATED_AT + age;
          fc.pre(statuses.includes(statusAt(plan, now)) && before < age);
          expect(statusAt(changePlan(plan, now), CREATED_AT + before)).toBe(statusAt(plan, CREATED_AT + before));
        },
      ),
    );
  });

  it('is rejected in other statuses, and only one of two concurrent requests succeeds', async () => {
    const { jobs, control } = await openWritable();
    const idByStatus = new Map((await jobs()).map((job) => [job.status, job.id]));
    expect(idByStatus.size).toBeGreaterThanOrEqual(9);
    for (const [action, statuses] of interventions) {
      for (const [status, id] of idByStatus) {
        const isAllowed = statuses.some((allowed) => allowed === status);
        if (isAllowed) continue;
        const { status: code, body } = await control(id, action);
        expect(code, `${action} ${status}`).toBe(400);
        expect(body.error).toMatchObject({
          message: `Cannot ${action} a job ${id} that already has status "${status}".`,
          param: null,
          code: null,
        });
      }
    }
    const running = idByStatus.get('running') ?? '';
    const responses = await Promise.all([control(running, 'pause'), control(running, 'pause')]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it('returns the recorded error for an unknown job', async () => {
    const { control } = await openWritable();
    for (const [action] of interventions)
      expect(await control('ftjob-x', action)).toMatchObject({
        status: 404,
        body: { error: { message: 'Could not find fine tune: ftjob-x', code: 'fine_tune_not_found' } },
      });
  });
});

describe('the webhooks of changed jobs', () => {
  it('are sent for a cancellation and for a failure by a deleted file, and for nothing else', async () => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver[Symbol.asyncDispose]());
    const { sendWebhooks, created, control, send, clock } = await openWritable();
    sendWebhooks({ url: receiver.url, secret: newSecret() });
    const [one, other] = [await created(), await created()];
    await send('DELETE', `/files/${one.training_file}`);
    await receiver.reached(1);
    await control(other.id, 'cancel');
    clock.advance(500);
    await receiver.reached(2);
    const events = receiver.received.map(({ event }) => event);
    expect(events).toMatchObject([
      { type: 'fine_tuning.job.failed', data: { id: one.id } },
      { type: 'fine_tuning.job.cancelled', data: { id: other.id } },
    ]);
    clock.advance(UNTIL_ENDED);
    const ids = receiver.received.map(({ event }) => Object(event).data.id);
    expect(ids.filter((id) => [one.id, other.id].includes(id))).toHaveLength(2);
  });
});
