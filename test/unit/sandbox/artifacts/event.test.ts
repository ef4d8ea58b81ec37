import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventBody, eventsAt } from '../../../../src/sandbox/artifacts/event.ts';
import { jobBody } from '../../../../src/sandbox/artifacts/job.ts';
import { readEvent } from '../../../../src/upstream/resources/event.ts';
import { openSandbox, type WireEvent } from '../open.ts';
import { CREATED_AT, END, outcomes, planOf, timeOf } from '../plan.ts';

const SECOND = 1000;
type Plan = ReturnType<typeof planOf>;

const newestFirst = (plan: Plan, now = END) => eventsAt(plan, now).map(eventBody);
const log = (plan: Plan, now = END) => newestFirst(plan, now).reverse();
const messages = (plan: Plan, now = END) => log(plan, now).map(({ message }) => message);
const seconds = (ms: number) => Math.floor(ms / SECOND);

const anyPlan = fc
  .record({
    outcome: fc.constantFrom(...outcomes),
    suffix: fc.constantFrom('support-triage', 'tone-pairs', 'agent-rubric', 'catalog-completions'),
    seed: fc.integer(),
    speed: fc.double({ min: 0.1, max: 1000, noNaN: true }),
  })
  .map((choice) => planOf(choice));

describe('the events of a job', () => {
  it('start with the creation and the validation of the files, in the same second', () => {
    const plan = planOf();
    const [created, validating] = log(plan);
    expect(created).toEqual({
      object: 'fine_tuning.job.event',
      id: expect.stringMatching(/^ftevent-[A-Za-z0-9]{24}$/),
      created_at: seconds(CREATED_AT),
      level: 'info',
      message: `Created fine-tuning job: ${plan.id}`,
      type: 'message',
      data: {},
    });
    expect(validating).toMatchObject({
      created_at: seconds(CREATED_AT),
      message: `Validating training file: ${plan.trainingFile} and validation file: ${plan.validationFile}`,
      data: {},
    });
  });

  it('omit an absent validation file', () => {
    const plan = planOf({ suffix: 'brand-voice' });
    expect(messages(plan)[1]).toBe(`Validating training file: ${plan.trainingFile}`);
  });

  it('have the data {} for the queue and null for the start of training', () => {
    const plan = planOf();
    expect(log(plan).slice(2, 4)).toMatchObject([
      { created_at: seconds(timeOf(plan, 'queued')), message: 'Files validated, moving job to queued state', data: {} },
      { created_at: seconds(timeOf(plan, 'running')), message: 'Fine-tuning job started', data: null },
    ]);
  });

  it('include one per step, in order', () => {
    const steps = log(planOf()).filter(({ type }) => type === 'metrics');
    expect(steps.map(({ data }) => data)).toMatchObject(
      Array.from({ length: 240 }, (_, index) => ({ step: index + 1, total_steps: 240 })),
    );
  });

  it('have the validation loss every ten steps, and the one of the whole file at the end of an epoch', () => {
    const steps = messages(planOf()).filter((message) => message.startsWith('Step'));
    const loss = String.raw`\d\.\d\d`;
    expect(steps[78]).toMatch(new RegExp(`^Step 79/240: training loss=${loss}$`));
    expect(steps[69]).toMatch(new RegExp(`^Step 70/240: training loss=${loss}, validation loss=${loss}$`));
    for (const step of [80, 160, 240]) {
      const text = `^Step ${step}/240: training loss=${loss}, validation loss=${loss}, full validation loss=${loss}$`;
      expect(steps[step - 1]).toMatch(new RegExp(text));
    }
    expect(steps.filter((text) => text.includes('full'))).toHaveLength(3);
  });

  it('have no validation loss without a validation file', () => {
    expect(messages(planOf({ suffix: 'brand-voice' })).filter((message) => message.includes('validation'))).toEqual([]);
  });

  it('end with the checkpoints, the new model, its moderation and the completion', () => {
    const plan = planOf();
    expect(messages(plan).slice(-7)).toEqual([
      expect.stringMatching(
        /^Checkpoint created at step 80 with Snapshot ID: ft:.+:support-triage:\w{8}:ckpt-step-80$/,
      ),
      expect.stringMatching(/^Checkpoint created at step 160 with Snapshot ID: ft:.+:\w{8}:ckpt-step-160$/),
      'New fine-tuned model created',
      'Evaluating model against our usage policies',
      `Moderation checks for snapshot ${plan.results.model} passed.`,
      'Usage policy evaluations completed, model is now enabled for sampling',
      'The job has successfully completed',
    ]);
  });

  it('have the checkpoints in the same second as the new model', () => {
    const times = log(planOf())
      .slice(-7, -4)
      .map(({ created_at }) => created_at);
    expect(new Set(times).size).toBe(1);
  });

  it('have the name of the new model, and no moderation, for the legacy trainer only', () => {
    const plan = planOf({ suffix: 'invoice-fields' });
    expect(messages(plan).at(-2)).toBe(`New fine-tuned model created: ${plan.results.model}`);
    expect(messages(plan).filter((text) => text.includes('olic'))).toEqual([]);
  });

  it('follow the success by 2 and 7 seconds', () => {
    const plan = planOf();
    const succeededAt = timeOf(plan, 'succeeded');
    const count = (ms: number) => log(plan, succeededAt + ms).length;
    expect(jobBody(plan, succeededAt).status).toBe('succeeded');
    expect(messages(plan, succeededAt + 1999).at(-1)).toMatch(/^Step 240\/240/);
    expect(count(2000) - count(1999)).toBe(3);
    expect(count(7000) - count(6999)).toBe(1);
    expect(log(plan).at(-1)?.created_at).toBe((jobBody(plan, END).finished_at ?? 0) + 7);
  });

  it('follow the success by these seconds divided by the speed', () => {
    const plan = planOf({ speed: 10 });
    const succeededAt = timeOf(plan, 'succeeded');
    expect(messages(plan, succeededAt + 299).at(-1)).toBe('New fine-tuned model created');
    expect(messages(plan, succeededAt + 699).at(-1)).toMatch(/^Usage policy evaluations completed/);
    expect(messages(plan, succeededAt + 700).at(-1)).toBe('The job has successfully completed');
  });

  it('share seconds: several steps have the same time', () => {
    const times = log(planOf()).map(({ created_at }) => created_at);
    const perSecond = [...Map.groupBy(times, (time) => time).values()].map(({ length }) => length);
    expect(Math.max(...perSecond)).toBeGreaterThanOrEqual(3);
    expect(perSecond.filter((length) => length > 1).length).toBeGreaterThan(50);
  });

  it('end with the error of a job that fails', () => {
    const plan = planOf({ outcome: 'invalid_file_format' });
    expect(log(plan).slice(2)).toMatchObject([{ level: 'error', message: plan.error?.message, type: 'message' }]);
  });

  it('end with a warning, two seconds after a cancellation', () => {
    const plan = planOf({ outcome: 'cancelled' });
    const cancelledAt = timeOf(plan, 'cancelled');
    expect(log(plan, cancelledAt + 1999).at(-1)?.type).toBe('metrics');
    expect(log(plan, cancelledAt + 2000).at(-1)).toMatchObject({
      level: 'warn',
      message: 'Fine tuning process stopping due to job cancellation',
    });
  });

  it.each(['pausing', 'paused', 'resuming'] as const)('do not continue while the job is %s', (outcome) => {
    const plan = planOf({ outcome });
    const stopped = log(plan, timeOf(plan, 'pausing'));
    expect(stopped.at(-1)?.message).toMatch(/^Step \d+\/240/);
    expect(stopped.length).toBeLessThan(240);
    expect(log(plan)).toEqual(stopped);
  });

  it('have no time in the future', () => {
    fc.assert(
      fc.property(anyPlan, fc.nat(10_000_000), (plan, age) => {
        for (const { created_at } of log(plan, CREATED_AT + age))
          expect(created_at * SECOND).toBeLessThanOrEqual(CREATED_AT + age);
      }),
      { numRuns: 40 },
    );
  });

  it('are only appended', () => {
    fc.assert(
      fc.property(anyPlan, fc.tuple(fc.nat(10_000_000), fc.nat(10_000_000)), (plan, [age, later]) => {
        const [before, after] = [eventsAt(plan, CREATED_AT + age), eventsAt(plan, CREATED_AT + age + later)];
        expect(after.slice(after.length - before.length)).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  it('are sorted newest first', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const times = newestFirst(plan).map(({ created_at }) => created_at);
        expect(times).toEqual(times.toSorted((a, b) => b - a));
      }),
      { numRuns: 20 },
    );
  });

  it('have unique, unsorted ids, the same for the same job', () => {
    const ids = log(planOf()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toEqual(ids.toSorted());
    expect(log(planOf()).map(({ id }) => id)).toEqual(ids);
  });

  it('can be read by the gateway', () => {
    for (const body of log(planOf({ suffix: 'agent-rubric' })))
      expect(readEvent(JSON.parse(JSON.stringify(body))).id).toBe(body.id);
  });
});

describe('the events of a reinforcement job', () => {
  const steps = () => log(planOf({ suffix: 'agent-rubric' })).filter(({ type }) => type === 'metrics');

  it('have rewards in the recorded message', () => {
    const texts = steps().map(({ message }) => message);
    expect(texts[0]).toMatch(/^Step 1\/\d+ , train mean reward=0\.\d\d$/);
    expect(texts.at(-1)).toMatch(
      /^Step (\d+)\/\1 , train mean reward=0\.\d\d, full validation mean reward=0\.\d\d, full validation mean parse error=0\.\d\d$/,
    );
  });

  it('have nested data', () => {
    expect(steps().at(-1)?.data).toMatchObject({
      full_valid_mean_reward: expect.any(Number),
      model_graders_token_usage: { 'gpt-4.1-2025-04-14': { train_prompt_tokens: expect.any(Number) } },
      scores: { graders: [{ name: 'rubric' }], valid_reward_mean: expect.any(Number) },
      timing: { step: { sampling: expect.any(Number) } },
    });
  });

  it('have different times', () => {
    const times = steps().map(({ created_at }) => created_at);
    expect(new Set(times).size).toBe(times.length);
  });
});

describe('GET /fine_tuning/jobs/{id}/events', () => {
  it('has the envelope of an event list, with 20 events by default', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    const { body } = await getJson(`/fine_tuning/jobs/${exampleJobId}/events`);
    expect(Object.keys(body)).toEqual(['object', 'data', 'has_more']);
    expect(body).toMatchObject({ object: 'list', has_more: true });
    expect(body.data).toHaveLength(20);
  });

  it('returns each of 5,000 steps once over all pages', async () => {
    const { jobs, get } = await openSandbox();
    const job = (await jobs()).find(({ model, status }) => model === 'babbage-002' && status === 'succeeded');
    const events: WireEvent[] = [];
    for (let hasMore = true; hasMore; ) {
      const after = events.length === 0 ? '' : `&after=${events.at(-1)?.id}`;
      const response = await get(`/fine_tuning/jobs/${job?.id}/events?limit=100${after}`);
      const page = (await response.json()) as { data: WireEvent[]; has_more: boolean };
      events.push(...page.data);
      hasMore = page.has_more;
    }
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    const steps = events.flatMap(({ type, data }) => (type === 'metrics' ? [data?.['step']] : []));
    expect(steps).toEqual(Array.from({ length: 5000 }, (_, index) => 5000 - index));
  });

  it('returns the error of GET /fine_tuning/jobs/{id} for an unknown job', async () => {
    const { getJson } = await openSandbox();
    expect(await getJson('/fine_tuning/jobs/ftjob-unknown/events')).toEqual(
      await getJson('/fine_tuning/jobs/ftjob-unknown'),
    );
  });

  it('rejects a cursor that is not an event of this job', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    expect(await getJson(`/fine_tuning/jobs/${exampleJobId}/events?after=ftevent-unknown`)).toMatchObject({
      status: 404,
      body: { error: { type: 'invalid_request_error', param: 'after' } },
    });
  });

  it('returns more events of a running job as time passes', async () => {
    const { jobs, list, clock } = await openSandbox();
    const job = (await jobs()).find(({ status }) => status === 'running');
    const events = () => list<WireEvent>(`/fine_tuning/jobs/${job?.id}/events?limit=10000`);
    const before = await events();
    clock.advance(30_000);
    const after = await events();
    expect(after.length).toBeGreaterThan(before.length);
    expect(after.slice(-before.length)).toEqual(before);
  });
});
