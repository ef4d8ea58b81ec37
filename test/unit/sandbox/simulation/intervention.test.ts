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

const SLOW = 10_000; // What pausing and resuming take at most, and more.

describe('a cancel', () => {
  it('ends the job at once, without a time of its end, and its log says so a little later', async () => {
    const { created, steer, job, events, clock } = await openWritable();
    const { id } = await created();
    clock.advance(UNTIL_RUNNING);
    const { status, body } = await steer(id, 'cancel');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id, status: 'cancelled', finished_at: null, error: {} },
    });
    expect((await events(id)).filter(({ level }) => level === 'warn')).toEqual([]);
    clock.advance(UNTIL_ENDED);
    expect(await job(id)).toMatchObject({ status: 'cancelled', finished_at: null, fine_tuned_model: null });
    expect((await events(id))[0]?.message).toBe('Fine tuning process stopping due to job cancellation');
  });

  it("stops one of the seed's jobs too, and leaves its log up to then as it was", async () => {
    const { jobs, steer, events, job } = await openWritable();
    const moving = (await jobs()).find(({ status }) => status === 'running')?.id ?? '';
    const before = await events(moving);
    expect(before.length).toBeGreaterThan(4);
    await steer(moving, 'cancel');
    expect(await events(moving)).toEqual(before);
    expect((await job(moving)).status).toBe('cancelled');
  });
});

describe('a pause', () => {
  it('makes a checkpoint, and training goes on from it after a resume', async () => {
    const { uploaded, created, steer, job, events, checkpoints, clock } = await openWritable();
    const { id: training_file } = await uploaded(lines(50));
    const { id } = await created({ training_file, hyperparameters: { n_epochs: 2, batch_size: 1 } });
    clock.advance(UNTIL_RUNNING + 10_000);
    const before = await events(id);
    expect((await steer(id, 'pause')).body.status).toBe('pausing');
    expect(await checkpoints(id)).toEqual([]);
    clock.advance(SLOW);
    expect((await job(id)).status).toBe('paused');
    const [saved] = await checkpoints(id);
    expect(saved?.fine_tuned_model_checkpoint).toMatch(new RegExp(`:ckpt-step-${saved?.step_number}$`));
    clock.advance(UNTIL_ENDED);
    expect(await events(id)).toEqual(before);
    expect((await steer(id, 'resume')).body.status).toBe('resuming');
    clock.advance(SLOW);
    expect((await job(id)).status).toBe('running');
    clock.advance(UNTIL_ENDED);
    expect((await job(id)).status).toBe('succeeded');
    const steps = (await events(id)).filter(({ type }) => type === 'metrics');
    expect(steps.map(({ data }) => data?.['step'])).toEqual(Array.from({ length: 100 }, (_, at) => 100 - at));
    expect((await checkpoints(id)).map(({ step_number }) => step_number)).toEqual([100, 50, saved?.step_number]);
  });

  it('lasts as long as nobody resumes, and takes nothing from the time that training has', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(10_000_000), (part, wait) => {
        const plan = planOf();
        const [begun, ended] = [timeOf(plan, 'running'), timeOf(plan, 'succeeded')];
        const at = begun + Math.floor(((ended - begun - 1) * part) / 100);
        const pausedPlan = pausePlan(plan, at);
        const pausedAt = pausedPlan.changes.at(-1)?.at ?? 0;
        expect(statusAt(pausedPlan, pausedAt + 1e12)).toBe('paused');
        const again = resumePlan(pausedPlan, pausedAt + wait);
        const secondBegin = again.changes.findLast(({ status }) => status === 'running')?.at ?? 0;
        expect(timeOf(again, 'succeeded') - secondBegin + at - begun).toBe(ended - begun);
      }),
    );
  });

  it('can be of a job that the seed has paused for good: it is resumed and succeeds', async () => {
    const { jobs, steer, job, clock } = await openWritable();
    const { id = '' } = (await jobs()).find(({ status }) => status === 'paused') ?? {};
    await steer(id, 'resume');
    clock.advance(86_400_000);
    expect((await job(id)).status).toBe('succeeded');
  });
});

describe('an intervention', () => {
  const deeds = [
    ['cancel', CANCELLABLE, cancelPlan],
    ['pause', PAUSABLE, pausePlan],
    ['resume', RESUMABLE, resumePlan],
  ] as const;

  it('changes nothing that was', () => {
    const times = fc.nat(20_000_000);
    fc.assert(
      fc.property(
        fc.constantFrom(...outcomes),
        fc.constantFrom(...deeds),
        times,
        times,
        (outcome, deed, age, before) => {
          const [, statuses, intervene] = deed;
          const plan = planOf({ outcome });
          const now = CREATED_AT + age;
          fc.pre(statuses.includes(statusAt(plan, now)) && before < age);
          expect(statusAt(intervene(plan, now), CREATED_AT + before)).toBe(statusAt(plan, CREATED_AT + before));
        },
      ),
    );
  });

  it('is refused in any status but its own, and when it comes twice at once only one is taken', async () => {
    const { jobs, steer } = await openWritable();
    const seen = new Map((await jobs()).map((job) => [job.status, job.id]));
    expect(seen.size).toBeGreaterThanOrEqual(9);
    for (const [deed, statuses] of deeds) {
      for (const [status, id] of seen) {
        const allowed = statuses.some((known) => known === status);
        if (allowed) continue;
        const { status: code, body } = await steer(id, deed);
        expect(code, `${deed} ${status}`).toBe(400);
        expect(body.error).toMatchObject({
          param: 'fine_tune_id',
          message: expect.stringContaining(`it is ${status}`),
        });
      }
    }
    const running = seen.get('running') ?? '';
    const answers = await Promise.all([steer(running, 'pause'), steer(running, 'pause')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it('on a job that is not there is refused as recorded', async () => {
    const { steer } = await openWritable();
    for (const [deed] of deeds)
      expect(await steer('ftjob-x', deed)).toMatchObject({
        status: 404,
        body: { error: { message: 'Could not find fine tune: ftjob-x', code: 'fine_tune_not_found' } },
      });
  });
});

describe('the webhooks of steered jobs', () => {
  it('tell of a cancel and of a failure by a deleted file, when they happen, and of nothing that did not', async () => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver[Symbol.asyncDispose]());
    const { sendWebhooks, created, steer, send, clock } = await openWritable();
    sendWebhooks({ url: receiver.url, secret: newSecret() });
    const [one, other] = [await created(), await created()];
    await send('DELETE', `/files/${one.training_file}`);
    await receiver.reached(1);
    await steer(other.id, 'cancel');
    clock.advance(500);
    await receiver.reached(2);
    const told = receiver.received.map(({ event }) => event);
    expect(told).toMatchObject([
      { type: 'fine_tuning.job.failed', data: { id: one.id } },
      { type: 'fine_tuning.job.cancelled', data: { id: other.id } },
    ]);
    clock.advance(UNTIL_ENDED);
    const ids = receiver.received.map(({ event }) => Object(event).data.id);
    expect(ids.filter((id) => [one.id, other.id].includes(id))).toHaveLength(2);
  });
});
