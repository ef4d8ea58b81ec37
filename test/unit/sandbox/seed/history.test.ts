import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../../src/sandbox/artifacts/job.ts';
import { createHistory } from '../../../../src/sandbox/seed/history.ts';
import { createScenarios } from '../../../../src/sandbox/seed/scenario.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { errorOf, methodOf } from '../../../../src/upstream/resources/job-parts.ts';

const START = Date.UTC(2026, 5, 1, 12, 30, 15, 500);
const plansOf = (seed: number, startedAt = START) =>
  createHistory(seed, startedAt, createScenarios(seed), createAccount(seed));
const bodiesOf = (seed: number, startedAt = START) => plansOf(seed, startedAt).map((plan) => jobBody(plan, startedAt));

/** Checks a property for random seeds. */
const forAnySeed = (check: (bodies: ReturnType<typeof bodiesOf>) => void) =>
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      check(bodiesOf(seed));
    }),
    { numRuns: 25 },
  );

describe('createHistory', () => {
  it('plans at least 60 jobs', () => {
    forAnySeed((jobs) => expect(jobs.length).toBeGreaterThanOrEqual(60));
  });

  it('plans jobs with each status', () => {
    const statuses =
      'cancelled cancelling failed paused pausing queued resuming running succeeded validating_files'.split(' ');
    forAnySeed((jobs) => expect([...new Set(jobs.map(({ status }) => status))].sort()).toEqual(statuses));
  });

  it('plans jobs with each method and grader', () => {
    forAnySeed((jobs) => {
      const methods = jobs.map(({ method }) => method?.type);
      expect([...new Set(methods)].sort()).toEqual(['dpo', 'reinforcement', 'supervised']);
      const graders = jobs.map((job) => methodOf(readJob(job))?.reinforcement?.grader?.type).filter((type) => type);
      const types = ['multi', 'python', 'score_model', 'string_check', 'text_similarity'];
      expect([...new Set(graders)].sort()).toEqual(types);
    });
  });

  it('plans a multi grader with named parts, one of them a label model', () => {
    const graders = bodiesOf(1).map((job) => methodOf(readJob(job))?.reinforcement?.grader);
    const multi = graders.find((grader) => grader?.type === 'multi');
    const named = multi?.type === 'multi' ? multi.graders.map(({ name, grader }) => [name, grader.type]) : [];
    expect(named).toContainEqual(['politeness', 'label_model']);
  });

  it('plans jobs that fail with each recorded error', () => {
    const codes = ['deleted_training_file', 'invalid_file_format', 'invalid_training_file'];
    forAnySeed((jobs) => {
      const seen = jobs.map((job) => errorOf(readJob(job))?.code).filter((code) => code);
      expect([...new Set(seen)].sort()).toEqual(codes);
    });
  });

  it('plans jobs with metadata of several pairs, of none, and null', () => {
    forAnySeed((jobs) => {
      const sizes = jobs.map(({ metadata }) => (metadata ? Object.keys(metadata).length : null));
      expect([...new Set(sizes)].sort()).toEqual([0, 1, 2, null]);
    });
  });

  it('plans jobs with and without a Weights & Biases integration', () => {
    forAnySeed((jobs) =>
      expect(new Set(jobs.map(({ integrations }) => integrations?.length))).toEqual(new Set([0, 1])),
    );
  });

  it('plans jobs that share a training file', () => {
    forAnySeed((jobs) =>
      expect(new Set(jobs.map(({ training_file }) => training_file)).size).toBeLessThan(jobs.length / 2),
    );
  });

  it('plans jobs that are created in the same second', () => {
    forAnySeed((jobs) => expect(new Set(jobs.map(({ created_at }) => created_at)).size).toBeLessThan(jobs.length));
  });

  it('plans a job whose trained tokens exceed a 32-bit integer', () => {
    forAnySeed((jobs) =>
      expect(Math.max(...jobs.map(({ trained_tokens }) => trained_tokens ?? 0))).toBeGreaterThan(2 ** 31),
    );
  });

  it('plans a unique id of the recorded form for each job', () => {
    forAnySeed((jobs) => {
      for (const { id } of jobs) expect(id).toMatch(/^ftjob-[A-Za-z0-9]{24}$/);
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length);
    });
  });

  it('plans file ids of the recorded form', () => {
    for (const { training_file, validation_file, result_files } of bodiesOf(1)) {
      for (const id of [training_file, ...(validation_file ? [validation_file] : []), ...(result_files ?? [])])
        expect(id).toMatch(/^file-[A-Za-z0-9]{22}$/);
    }
  });

  it('plans creations and status changes in the weeks before the start', () => {
    for (const { createdAt, changes } of plansOf(7)) {
      expect(createdAt).toBeGreaterThan(START - 42 * 86_400_000);
      expect(changes.at(-1)?.at ?? createdAt).toBeLessThan(START);
    }
  });

  it('plans the same jobs for the same seed and start', () => {
    expect(bodiesOf(3)).toEqual(bodiesOf(3));
  });

  it('plans other jobs for another seed', () => {
    const ids = new Set(bodiesOf(3).map(({ id }) => id));
    expect(bodiesOf(4).filter(({ id }) => ids.has(id))).toEqual([]);
  });

  it('plans the same ids for another start', () => {
    const ids = (startedAt: number) => bodiesOf(1, startedAt).map(({ id }) => id);
    expect(ids(START + 123_456_789)).toEqual(ids(START));
  });

  it('plans jobs that the gateway can read', () => {
    for (const body of bodiesOf(1)) expect(readJob(JSON.parse(JSON.stringify(body))).id).toBe(body.id);
  });
});
