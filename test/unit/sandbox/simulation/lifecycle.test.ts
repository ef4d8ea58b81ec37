import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobOutcome, STATUS_PATHS } from '../../../../src/sandbox/seed/job-outcome.ts';
import { createScenarios } from '../../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import { jobBody } from '../../../../src/sandbox/simulation/job-plan.ts';
import { drawDurations, statusAt, statusChangedAt } from '../../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../../src/sandbox/simulation/random.ts';

const BORN = Date.UTC(2026, 5, 1);
const account = createAccount(1);
const campaigns = createScenarios(1);

function plan(outcome: JobOutcome, { seed = 1, speed = 1 } = {}) {
  const random = createRandom(seed, outcome);
  const durations = drawDurations(random, speed);
  return planJob(random.pick(campaigns), account, { createdAt: BORN, outcome, durations }, random);
}

// The keys of a Record are what its type says.
const outcomes = Object.keys(STATUS_PATHS) as JobOutcome[];
const anyPlan = fc
  .record({
    outcome: fc.constantFrom(...outcomes),
    seed: fc.integer(),
    speed: fc.double({ min: 0.1, max: 1000, noNaN: true }),
  })
  .map(({ outcome, ...rest }) => plan(outcome, rest));
/** Milliseconds after birth, in order, up to longer than any job takes. */
const times = fc.array(fc.nat(20_000_000), { minLength: 1, maxLength: 30 }).map((ms) => ms.sort((a, b) => a - b));
const TERMINAL = ['succeeded', 'failed', 'cancelled'];

describe('the life of a job', () => {
  it('begins with the validation of its files', () => {
    fc.assert(
      fc.property(anyPlan, (job) => {
        expect(statusAt(job, BORN)).toBe('validating_files');
      }),
    );
  });

  it('takes its statuses in their order and never goes back', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        const course = ['validating_files', ...job.changes.map(({ status }) => status)];
        const places = ages.map((age) => course.indexOf(statusAt(job, BORN + age)));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
    );
  });

  it('never leaves its end', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        const seen = ages.map((age) => statusAt(job, BORN + age));
        const end = seen.findIndex((status) => TERMINAL.includes(status));
        if (end >= 0) expect(new Set(seen.slice(end)).size).toBe(1);
      }),
    );
  });

  it('has no timestamp in the future', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        for (const age of ages) {
          const { created_at, finished_at } = jobBody(job, BORN + age);
          expect(created_at * 1000).toBeLessThanOrEqual(BORN + age);
          expect((finished_at ?? 0) * 1000).toBeLessThanOrEqual(BORN + age);
        }
      }),
    );
  });

  it('has results if and only if it has succeeded', () => {
    fc.assert(
      fc.property(anyPlan, times, (job, ages) => {
        for (const age of ages) {
          const body = jobBody(job, BORN + age);
          const has = [body.finished_at, body.fine_tuned_model, body.trained_tokens, body.result_files?.[0]];
          expect(has.every((result) => result != null)).toBe(body.status === 'succeeded');
          expect(has.some((result) => result != null)).toBe(body.status === 'succeeded');
        }
      }),
    );
  });

  it('turns exactly when the clock reaches the turn', () => {
    const job = plan('succeeded');
    for (const { status, at } of job.changes) {
      expect(statusAt(job, at - 1)).not.toBe(status);
      expect(statusAt(job, at)).toBe(status);
    }
  });

  it('goes by as many times faster as the speed says', () => {
    const end = (speed: number) => (plan('succeeded', { speed }).changes.at(-1)?.at ?? 0) - BORN;
    expect(end(1) / end(10)).toBeCloseTo(10, 2);
  });

  it('shows the validation and the queue for some seconds each at ten times the real speed', () => {
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

  it('tells a turn only once it has happened', () => {
    const job = plan('succeeded');
    const at = job.changes.at(-1)?.at ?? 0;
    expect(statusChangedAt(job, 'succeeded', at - 1)).toBeNull();
    expect(statusChangedAt(job, 'succeeded', at)).toBe(at);
  });
});
