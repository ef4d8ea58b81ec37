import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistory } from '../../../../src/sandbox/seed/history.ts';
import { createScenarios } from '../../../../src/sandbox/seed/scenario.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import { jobBody } from '../../../../src/sandbox/simulation/job-plan.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { errorOf, methodOf } from '../../../../src/upstream/resources/job-parts.ts';

const START = Date.UTC(2026, 5, 1, 12, 30, 15, 500);
const plansOf = (seed: number, startedAt = START) =>
  createHistory(seed, startedAt, createScenarios(seed), createAccount(seed));
const bodiesOf = (seed: number, startedAt = START) => plansOf(seed, startedAt).map((plan) => jobBody(plan, startedAt));

/** Holds a promise for whatever seed. */
const forAnySeed = (check: (bodies: ReturnType<typeof bodiesOf>) => void) =>
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      check(bodiesOf(seed));
    }),
    { numRuns: 25 },
  );

describe('the history of a sandbox', () => {
  it('has at least 60 jobs', () => {
    forAnySeed((jobs) => expect(jobs.length).toBeGreaterThanOrEqual(60));
  });

  it('has jobs in each status', () => {
    const statuses =
      'cancelled cancelling failed paused pausing queued resuming running succeeded validating_files'.split(' ');
    forAnySeed((jobs) => expect([...new Set(jobs.map(({ status }) => status))].sort()).toEqual(statuses));
  });

  it('has jobs of each method and grader', () => {
    forAnySeed((jobs) => {
      const methods = jobs.map(({ method }) => method?.type);
      expect([...new Set(methods)].sort()).toEqual(['dpo', 'reinforcement', 'supervised']);
      const graders = jobs.map((job) => methodOf(readJob(job))?.reinforcement?.grader?.type).filter((type) => type);
      const types = ['multi', 'python', 'score_model', 'string_check', 'text_similarity'];
      expect([...new Set(graders)].sort()).toEqual(types);
    });
  });

  it('names the graders of a multi grader, one of which labels', () => {
    const graders = bodiesOf(1).map((job) => methodOf(readJob(job))?.reinforcement?.grader);
    const multi = graders.find((grader) => grader?.type === 'multi');
    const named = multi?.type === 'multi' ? multi.graders.map(({ name, grader }) => [name, grader.type]) : [];
    expect(named).toContainEqual(['politeness', 'label_model']);
  });

  it('has jobs that failed with each known error', () => {
    const codes = ['deleted_training_file', 'invalid_file_format', 'invalid_training_file'];
    forAnySeed((jobs) => {
      const seen = jobs.map((job) => errorOf(readJob(job))?.code).filter((code) => code);
      expect([...new Set(seen)].sort()).toEqual(codes);
    });
  });

  it('has jobs with several pairs of metadata, with none and with null', () => {
    forAnySeed((jobs) => {
      const sizes = jobs.map(({ metadata }) => (metadata ? Object.keys(metadata).length : null));
      expect([...new Set(sizes)].sort()).toEqual([0, 1, 2, null]);
    });
  });

  it('has jobs with and without a Weights & Biases integration', () => {
    forAnySeed((jobs) =>
      expect(new Set(jobs.map(({ integrations }) => integrations?.length))).toEqual(new Set([0, 1])),
    );
  });

  it('has jobs that share a training file', () => {
    forAnySeed((jobs) =>
      expect(new Set(jobs.map(({ training_file }) => training_file)).size).toBeLessThan(jobs.length / 2),
    );
  });

  it('has jobs that were created in the same second', () => {
    forAnySeed((jobs) => expect(new Set(jobs.map(({ created_at }) => created_at)).size).toBeLessThan(jobs.length));
  });

  it('has a job that trained on more tokens than a 32-bit integer can count', () => {
    forAnySeed((jobs) =>
      expect(Math.max(...jobs.map(({ trained_tokens }) => trained_tokens ?? 0))).toBeGreaterThan(2 ** 31),
    );
  });

  it('gives each job an id of the recorded form, and each its own', () => {
    forAnySeed((jobs) => {
      for (const { id } of jobs) expect(id).toMatch(/^ftjob-[A-Za-z0-9]{24}$/);
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length);
    });
  });

  it('gives files ids of the recorded form', () => {
    for (const { training_file, validation_file, result_files } of bodiesOf(1)) {
      for (const id of [training_file, ...(validation_file ? [validation_file] : []), ...(result_files ?? [])])
        expect(id).toMatch(/^file-[A-Za-z0-9]{22}$/);
    }
  });

  it('lies in the weeks before the start, and over or standing still by then', () => {
    for (const { createdAt, changes } of plansOf(7)) {
      expect(createdAt).toBeGreaterThan(START - 42 * 86_400_000);
      expect(changes.at(-1)?.at ?? createdAt).toBeLessThan(START);
    }
  });

  it('is the same for the same seed and start', () => {
    expect(bodiesOf(3)).toEqual(bodiesOf(3));
  });

  it('is another one for another seed', () => {
    const ids = new Set(bodiesOf(3).map(({ id }) => id));
    expect(bodiesOf(4).filter(({ id }) => ids.has(id))).toEqual([]);
  });

  it('keeps the ids of its jobs when the sandbox starts at another time', () => {
    const ids = (startedAt: number) => bodiesOf(1, startedAt).map(({ id }) => id);
    expect(ids(START + 123_456_789)).toEqual(ids(START));
  });

  it('can be read by the gateway, job by job', () => {
    for (const body of bodiesOf(1)) expect(readJob(JSON.parse(JSON.stringify(body))).id).toBe(body.id);
  });
});
