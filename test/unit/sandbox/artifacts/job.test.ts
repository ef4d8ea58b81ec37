import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../../src/sandbox/artifacts/job.ts';
import type { JobOutcome } from '../../../../src/sandbox/seed/job-outcome.ts';
import type { Scenario } from '../../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import { drawDurations } from '../../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../../src/sandbox/simulation/random.ts';

const CREATED_AT = Date.UTC(2026, 5, 1);
const END = CREATED_AT + 86_400_000;
const account = createAccount(1);
const scenario: Scenario = {
  suffix: 'support-triage',
  model: 'gpt-4.1-mini-2025-04-14',
  method: 'supervised',
  metadata: { team: 'support' },
  wandbProject: null,
  examples: 50,
  trainingTokens: 1000,
  outcomes: [],
  trainingFile: 'file-AAAAAAAAAAAAAAAAAAAAAA',
  validationFile: null,
};

function plan(outcome: JobOutcome, changes: Partial<Scenario> = {}) {
  const random = createRandom('job', outcome);
  const durations = drawDurations(random, 1);
  return planJob({ ...scenario, ...changes }, account, { createdAt: CREATED_AT, outcome, durations }, random);
}

describe('jobBody', () => {
  it('has the same members in each status', () => {
    const members = (outcome: JobOutcome, now: number) => Object.keys(jobBody(plan(outcome), now)).sort();
    for (const outcome of ['succeeded', 'deleted_training_file', 'cancelled', 'paused'] as const) {
      expect(members(outcome, END)).toEqual(members('succeeded', CREATED_AT));
    }
  });

  it('has an empty error, not null, unless the job has failed', () => {
    expect(jobBody(plan('succeeded'), END).error).toEqual({});
    expect(jobBody(plan('deleted_training_file'), CREATED_AT).error).toEqual({});
  });

  it('has the recorded error when the job has failed', () => {
    expect(jobBody(plan('deleted_training_file'), END).error).toEqual({
      code: 'deleted_training_file',
      message: 'The job failed because the training file was deleted',
      param: 'training_file',
    });
  });

  it('has no finished_at for a failed or cancelled job', () => {
    expect(jobBody(plan('cancelled'), END)).toMatchObject({ status: 'cancelled', finished_at: null });
    expect(jobBody(plan('invalid_file_format'), END)).toMatchObject({ status: 'failed', finished_at: null });
  });

  it('has a model name of base model, organization and suffix', () => {
    expect(jobBody(plan('succeeded', { model: 'gpt-4.1-2025-04-14', suffix: 'mine' }), END).fine_tuned_model).toMatch(
      /^ft:gpt-4\.1-2025-04-14:sandbox:mine:\w{8}$/,
    );
  });

  it('has an empty part in the model name without a suffix', () => {
    const body = jobBody(plan('succeeded', { suffix: null }), END);
    expect(body.fine_tuned_model).toMatch(/^ft:[^:]+:sandbox::\w{8}$/);
    expect(body.user_provided_suffix).toBeNull();
  });

  it('has the job id as the run id of a Weights & Biases integration', () => {
    const job = plan('running', { wandbProject: 'a-project' });
    expect(jobBody(job, END).integrations).toMatchObject([
      { type: 'wandb', wandb: { project: 'a-project', run_id: job.id } },
    ]);
  });

  it('has an eval only for reinforcement', () => {
    expect(jobBody(plan('running', { method: 'python' }), END).eval_id).toMatch(/^eval_\w+$/);
    expect(jobBody(plan('running'), END).eval_id).toBeNull();
  });
});

describe('the hyperparameters of a job', () => {
  const hyperparameters = (outcome: JobOutcome, now: number) => jobBody(plan(outcome), now).hyperparameters;

  it('are partly "auto" before training, then numbers', () => {
    expect(Object.values(hyperparameters('succeeded', CREATED_AT) ?? {})).toContain('auto');
    for (const value of Object.values(hyperparameters('succeeded', END) ?? {})) expect(value).toBeTypeOf('number');
  });

  it('stay as requested when the job ends before training', () => {
    for (const outcome of ['cancelled_in_queue', 'deleted_training_file'] as const) {
      expect(hyperparameters(outcome, END)).toEqual(hyperparameters(outcome, CREATED_AT));
      expect(Object.values(hyperparameters(outcome, END) ?? {})).toContain('auto');
    }
  });

  it('are the same in the method of a supervised job', () => {
    const { method, hyperparameters } = jobBody(plan('succeeded'), END);
    expect(method).toEqual({ type: 'supervised', supervised: { hyperparameters } });
  });

  it('are null for a DPO job, except in the method', () => {
    const body = jobBody(plan('succeeded', { method: 'dpo' }), END);
    expect(body.hyperparameters).toBeNull();
    expect(body.method?.dpo?.hyperparameters?.beta).toBeTypeOf('number');
  });

  it('are absent for a reinforcement job, except in the method', () => {
    const body = jobBody(plan('succeeded', { method: 'score_model' }), END);
    expect(body).not.toHaveProperty('hyperparameters');
    expect(body.method?.reinforcement?.hyperparameters?.reasoning_effort).toBeTypeOf('string');
  });

  it('have an undocumented response_format beside them', () => {
    const { method } = jobBody(plan('succeeded', { method: 'score_model' }), END);
    expect(method?.reinforcement?.response_format).toMatchObject({ type: 'json_schema' });
  });
});
