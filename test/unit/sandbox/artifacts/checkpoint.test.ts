import { describe, expect, it } from 'vitest';
import { checkpointBody, checkpointsAt } from '../../../../src/sandbox/artifacts/checkpoint.ts';
import { eventBody, eventsAt } from '../../../../src/sandbox/artifacts/event.ts';
import { jobBody } from '../../../../src/sandbox/artifacts/job.ts';
import { stepMetrics } from '../../../../src/sandbox/simulation/metrics.ts';
import { completedSteps, totalSteps } from '../../../../src/sandbox/simulation/training-steps.ts';
import { readCheckpoint } from '../../../../src/upstream/resources/checkpoint.ts';
import { openSandbox, type WireEvent, type WireJob } from '../open.ts';
import { END, planOf, timeOf } from '../plan.ts';

type Plan = ReturnType<typeof planOf>;
const bodies = (plan: Plan, now = END) =>
  checkpointsAt(plan, now).map((checkpoint) => checkpointBody(plan, checkpoint));
const stepsOf = (plan: Plan) => checkpointsAt(plan, END).map(({ step }) => step);

interface WireCheckpoint {
  readonly id: string;
  readonly created_at: number;
  readonly fine_tuned_model_checkpoint: string;
}

describe('the checkpoints of a job', () => {
  it('are those of its last three epochs, newest first', () => {
    const stepsWith = (n_epochs: number) => stepsOf(planOf({ changes: { steps: { n_epochs, batch_size: 1 } } }));
    expect(stepsWith(4)).toEqual([320, 240, 160]);
    expect(stepsWith(3)).toEqual([240, 160, 80]);
    expect(stepsWith(2)).toEqual([160, 80]);
  });

  it('exist from the success of the job on', () => {
    const plan = planOf();
    expect(bodies(plan, timeOf(plan, 'succeeded') - 1)).toEqual([]);
    expect(bodies(plan, timeOf(plan, 'succeeded'))).toHaveLength(3);
  });

  it('include the fine-tuned model as the last one', () => {
    const plan = planOf();
    expect(bodies(plan)[0]?.fine_tuned_model_checkpoint).toBe(jobBody(plan, END).fine_tuned_model);
  });

  it('have their own random part and their step in the name, except the last one', () => {
    const [last, middle, first] = bodies(planOf()).map((body) => body.fine_tuned_model_checkpoint);
    expect(middle).toMatch(/^ft:gpt-4\.1-mini-2025-04-14:sandbox:support-triage:\w{8}:ckpt-step-160$/);
    expect(first).toMatch(/^ft:gpt-4\.1-mini-2025-04-14:sandbox:support-triage:\w{8}:ckpt-step-80$/);
    expect(new Set([last, middle, first].map((name) => name?.split(':')[4])).size).toBe(3);
  });

  it('have the metrics of their step, and the undocumented type', () => {
    const plan = planOf();
    expect(bodies(plan)[0]).toMatchObject({
      object: 'fine_tuning.job.checkpoint',
      id: expect.stringMatching(/^ftckpt_[A-Za-z0-9]{24}$/),
      fine_tuning_job_id: plan.id,
      step_number: 240,
      metrics: { step: 240, ...stepMetrics(plan, 240), type: 'supervised' },
    });
  });

  it('omit metrics that the step does not measure', () => {
    expect(Object.keys(bodies(planOf({ suffix: 'brand-voice' }))[0]?.metrics ?? {})).toEqual([
      'step',
      'train_loss',
      'train_mean_token_accuracy',
      'type',
    ]);
  });

  it('are created before the metrics event of their step', () => {
    const plan = planOf();
    const events = eventsAt(plan, END).map(eventBody);
    for (const { created_at, step_number } of bodies(plan)) {
      const event = events.find(({ message }) => message.startsWith(`Step ${step_number}/`));
      expect(created_at).toBeLessThan(event?.created_at ?? 0);
    }
  });

  it('of a reinforcement job are the three evaluations with the highest reward', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const plan = planOf({ suffix: 'agent-rubric', seed });
      const rewards = Array.from({ length: totalSteps(plan) }, (_, index) => ({
        step: index + 1,
        reward: stepMetrics(plan, index + 1).full_valid_mean_reward ?? 0,
      })).filter(({ reward }) => reward > 0);
      const best = rewards.toSorted((a, b) => b.reward - a.reward).slice(0, 3);
      expect(stepsOf(plan)).toEqual(best.map(({ step }) => step).sort((a, b) => b - a));
      expect(bodies(plan)[0]?.metrics.valid_reward_mean).toBeTypeOf('number');
      expect(bodies(plan)[0]?.fine_tuned_model_checkpoint).toBe(plan.results.model);
    }
  });

  it('of a paused job are one, at the step of the pause', () => {
    for (const outcome of ['paused', 'resuming'] as const) {
      const plan = planOf({ outcome });
      const step = completedSteps(plan, timeOf(plan, 'pausing'));
      expect(bodies(plan, timeOf(plan, 'paused') - 1)).toEqual([]);
      expect(bodies(plan)).toMatchObject([
        { step_number: step, fine_tuned_model_checkpoint: expect.stringMatching(`:ckpt-step-${step}$`) },
      ]);
    }
  });

  it.each(['cancelled', 'running', 'pausing', 'invalid_training_file'] as const)(
    'of a job that is %s are none',
    (outcome) => {
      expect(bodies(planOf({ outcome }), END)).toEqual([]);
    },
  );

  it('can be read by the gateway', () => {
    for (const body of bodies(planOf({ suffix: 'agent-rubric' }))) expect(readCheckpoint(body).id).toBe(body.id);
  });
});

describe('GET /fine_tuning/jobs/{id}/checkpoints', () => {
  it('has the envelope with first_id and last_id', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    const { body } = await getJson(`/fine_tuning/jobs/${exampleJobId}/checkpoints`);
    expect(Object.keys(body)).toEqual(['object', 'data', 'has_more', 'first_id', 'last_id']);
    expect(body).toMatchObject({
      object: 'list',
      first_id: body.data[0].id,
      last_id: body.data[2].id,
      has_more: false,
    });
  });

  it('has null for first_id and last_id of an empty list', async () => {
    const { getJson, jobs } = await openSandbox();
    const failed = (await jobs()).find(({ status }) => status === 'failed');
    expect((await getJson(`/fine_tuning/jobs/${failed?.id}/checkpoints`)).body).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });

  it('returns pages', async () => {
    const { list, getJson, exampleJobId } = await openSandbox();
    const path = `/fine_tuning/jobs/${exampleJobId}/checkpoints`;
    const all = await list<WireCheckpoint>(path);
    expect((await getJson(`${path}?limit=2`)).body).toMatchObject({ data: all.slice(0, 2), has_more: true });
    expect((await getJson(`${path}?after=${all[1]?.id}`)).body).toMatchObject({ data: all.slice(2), has_more: false });
  });

  it('has the model names of the events', async () => {
    const { list, exampleJobId } = await openSandbox();
    const checkpoints = await list<WireCheckpoint>(`/fine_tuning/jobs/${exampleJobId}/checkpoints`);
    const events = await list<WireEvent>(`/fine_tuning/jobs/${exampleJobId}/events?limit=1000`);
    const names = events.flatMap(({ message }) => /Snapshot ID: (\S+)/.exec(message)?.[1] ?? []);
    expect(names).toEqual(checkpoints.slice(1).map((checkpoint) => checkpoint.fine_tuned_model_checkpoint));
  });

  it('returns 404 for an unknown job and an unknown cursor', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    const path = '/fine_tuning/jobs';
    expect(await getJson(`${path}/ftjob-unknown/checkpoints`)).toEqual(await getJson(`${path}/ftjob-unknown`));
    expect(await getJson(`${path}/${exampleJobId}/checkpoints?after=ftckpt_unknown`)).toMatchObject({
      status: 404,
      body: { error: { param: 'after' } },
    });
  });
});

describe('the example job', () => {
  it('has three checkpoints, three epochs, and every kind of file', async () => {
    const { getJson, list, exampleJobId } = await openSandbox();
    const job = (await getJson(`/fine_tuning/jobs/${exampleJobId}`)).body as WireJob;
    expect(job).toMatchObject({
      status: 'succeeded',
      integrations: [{ type: 'wandb' }],
      hyperparameters: { n_epochs: 3 },
      validation_file: expect.any(String),
    });
    expect(await list(`/fine_tuning/jobs/${exampleJobId}/checkpoints`)).toHaveLength(3);
    const files = [job.training_file, job.validation_file, ...job.result_files];
    for (const id of files) expect((await getJson(`/files/${id}`)).status).toBe(200);
  });

  it('exists with any seed', async () => {
    for (const seed of [2, 3, 4]) {
      const { list, exampleJobId } = await openSandbox({ seed });
      expect(await list(`/fine_tuning/jobs/${exampleJobId}/checkpoints`)).toHaveLength(3);
    }
  });
});
