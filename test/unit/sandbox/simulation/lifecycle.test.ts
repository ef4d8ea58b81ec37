import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../../src/sandbox/artifacts/job.ts';
import { type JobOutcome, STATUS_PATHS } from '../../../../src/sandbox/seed/job-outcome.ts';
import { createScenarios } from '../../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import { drawDurations, statusAt, statusChangedAt } from '../../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../../src/sandbox/simulation/random.ts';

const CREATED_AT = Date.UTC(2026, 5, 1);
const account = createAccount(1);
const scenarios = createScenarios(1);

function plan(outcome: JobOutcome, { seed = 1, speed = 1 } = {}) {
  const random = createRandom(seed, outcome);
  const durations = drawDurations(random, speed);
  return planJob(random.pick(scenarios), account, { createdAt: CREATED_AT, outcome, durations }, random);
}

// Object.keys returns string[] for any type.
const outcomes = Object.keys(STATUS_PATHS) as JobOutcome[];
const anyPlan = fc
  .record({
    outcome: fc.constantFrom(...outcomes),
    seed: fc.integer(),
    speed: fc.double({ min: 0.1, max: 1000, noNaN: true }),
  })
  .map(({ outcome, ...rest }) => plan(outcome, rest));
/** Milliseconds after the creation, sorted, up to more than the duration of any job. */
const times = fc.array(fc.nat(20_000_000), { minLength: 1, maxLength: 30 }).map((ms) => ms.sort((a, b) => a - b));
const TERMINAL = ['succeeded', 'failed', 'cancelled'];

describe('the lifecycle of a job', () => {
  it('starts with validating_files', () => {
    fc.assert(
      fc.property(anyPlan, (job) => {
        expect(statusAt(job, CREATED_AT)).toBe('validating_files');
      }),
    );
  });

  it('has its statuses in order', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        const path = ['validating_files', ...job.changes.map(({ status }) => status)];
        const positions = ages.map((age) => path.indexOf(statusAt(job, CREATED_AT + age)));
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      }),
    );
  });

  it('never leaves a terminal status', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        const statuses = ages.map((age) => statusAt(job, CREATED_AT + age));
        const end = statuses.findIndex((status) => TERMINAL.includes(status));
        if (end >= 0) expect(new Set(statuses.slice(end)).size).toBe(1);
      }),
    );
  });

  it('has no timestamp in the future', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        for (const age of ages) {
          const { created_at, finished_at } = jobBody(job, CREATED_AT + age);
          expect(created_at * 1000).toBeLessThanOrEqual(CREATED_AT + age);
          expect((finished_at ?? 0) * 1000).toBeLessThanOrEqual(CREATED_AT + age);
        }
      }),
    );
  });

  it('has results if and only if it has succeeded', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        for (const age of ages) {
          const body = jobBody(job, CREATED_AT + age);
          const results = [body.finished_at, body.fine_tuned_model, body.trained_tokens, body.result_files?.[0]];
          expect(results.every((result) => result != null)).toBe(body.status === 'succeeded');
          expect(results.some((result) => result != null)).toBe(body.status === 'succeeded');
        }
      }),
    );
  });

  it('changes the status exactly at the time of the change', () => {
    const job = plan('succeeded');
    for (const { status, at } of job.changes) {
      expect(statusAt(job, at - 1)).not.toBe(status);
      expect(statusAt(job, at)).toBe(status);
    }
  });

  it('is divided by the speed', () => {
    const end = (speed: number) => (plan('succeeded', { speed }).changes.at(-1)?.at ?? 0) - CREATED_AT;
    expect(end(1) / end(10)).toBeCloseTo(10, 2);
  });

  it('has validating_files and queued for some seconds each at speed 10', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { validating_files, queued } = drawDurations(createRandom(seed), 10);
        for (const ms of [validating_files, queued]) {
          expect(ms).toBeGreaterThanOrEqual(2500);
          expect(ms).toBeLessThanOrEqual(7000);
        }
      }),
    );
  });

  it('has no change before its time', () => {
    const job = plan('succeeded');
    const at = job.changes.at(-1)?.at ?? 0;
    expect(statusChangedAt(job, 'succeeded', at - 1)).toBeNull();
    expect(statusChangedAt(job, 'succeeded', at)).toBe(at);
  });
});
