import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistory } from '../../../../src/sandbox/seed/history.ts';
import { createScenarios } from '../../../../src/sandbox/seed/scenario.ts';
import { createAccount } from '../../../../src/sandbox/simulation/account.ts';
import type { JobPlan } from '../../../../src/sandbox/simulation/job-plan.ts';
import { statusAt } from '../../../../src/sandbox/simulation/lifecycle.ts';
import { totalSteps } from '../../../../src/sandbox/simulation/training-steps.ts';
import { createState } from '../../../../src/sandbox/state/state.ts';

const START = Date.UTC(2026, 5, 1);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const ACTIVE = ['validating_files', 'queued', 'running'];

/** Returns a function for the generated jobs at a time, without the history, newest first. */
function openGenerators({ seed = 1, speed = 10 } = {}) {
  const state = createState({ seed, speed, startedAt: START });
  const history = createHistory(seed, START, createScenarios(seed), createAccount(seed));
  const historyIds = new Set(history.map(({ id }) => id));
  return (now: number) => state.jobsAt(now).newestFirst.filter(({ id }) => !historyIds.has(id));
}

const isActive = (now: number) => (plan: JobPlan) => ACTIVE.includes(statusAt(plan, now));

const anySpeed = fc.double({ min: 0.001, max: 10_000, noNaN: true });
const anyAge = fc.double({ min: 0, max: 1000 * HOUR, noNaN: true });

describe('the job generators of a sandbox', () => {
  it('have three active jobs at any time', () => {
    fc.assert(
      fc.property(fc.integer(), anySpeed, fc.array(anyAge, { maxLength: 5 }), (seed, speed, ages) => {
        const jobsAt = openGenerators({ seed, speed });
        for (const now of ages.map((age) => START + age)) expect(jobsAt(now).filter(isActive(now))).toHaveLength(3);
      }),
      { numRuns: 60 },
    );
  });

  it('have three active jobs at the time of a status change', () => {
    const jobsAt = openGenerators();
    const changes = jobsAt(START + HOUR).flatMap(({ createdAt, changes }) => [
      createdAt,
      ...changes.map(({ at }) => at),
    ]);
    for (const change of changes.filter((at) => at >= START)) {
      for (const now of [change - 1, change, change + 1]) expect(jobsAt(now).filter(isActive(now))).toHaveLength(3);
    }
  });

  it('have jobs of different ages at the start', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const ages = openGenerators({ seed })(START).map(({ createdAt }) => createdAt);
        expect(new Set(ages).size).toBe(ages.length);
      }),
    );
  });

  it('have jobs that run for about one to two minutes at speed 10', () => {
    for (const { changes } of openGenerators()(START + 2 * HOUR)) {
      const started = changes.find(({ status }) => status === 'running')?.at;
      if (started === undefined) continue;
      const seconds = ((changes.at(-1)?.at ?? 0) - started) / SECOND;
      expect(seconds).toBeGreaterThan(45);
      expect(seconds).toBeLessThan(135);
    }
  });

  it('have jobs that succeed, and fewer that fail or are cancelled', () => {
    const now = START + 5 * HOUR;
    const statuses = openGenerators()(now).map((plan) => statusAt(plan, now));
    const share = (status: string) => statuses.filter((each) => each === status).length / statuses.length;
    expect(share('succeeded')).toBeGreaterThan(0.5);
    expect(share('failed')).toBeGreaterThan(0.05);
    expect(share('cancelled')).toBeGreaterThan(0.05);
  });

  it('have at most 300 jobs at any time', () => {
    fc.assert(
      fc.property(anyAge, anySpeed, (age, speed) => {
        expect(openGenerators({ speed })(START + age).length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 30 },
    );
  });

  it('remove a job only long after its end', () => {
    const jobsAt = openGenerators();
    const before = jobsAt(START + 10 * HOUR);
    const after = new Set(jobsAt(START + 10.5 * HOUR).map(({ id }) => id));
    for (const { id, changes } of before.filter(({ id }) => !after.has(id))) {
      expect(changes.at(-1)?.at, id).toBeLessThan(START + 9.5 * HOUR);
    }
  });

  it('depend on seed, speed and start only, not on earlier calls', () => {
    const polled = openGenerators();
    for (let age = 0; age < HOUR; age += 7 * SECOND) polled(START + age);
    expect(polled(START + HOUR)).toEqual(openGenerators()(START + HOUR));
  });

  it('plan each job once, as logs and files are cached by plan', () => {
    const jobsAt = openGenerators();
    const before = new Map(jobsAt(START).map((plan) => [plan.id, plan]));
    const after = jobsAt(START + HOUR).filter(({ id }) => before.has(id));
    expect(after.length).toBe(before.size);
    for (const plan of after) expect(plan).toBe(before.get(plan.id));
  });

  it('have jobs with fewer than 1500 steps', () => {
    for (const plan of openGenerators()(START + 5 * HOUR)) expect(totalSteps(plan)).toBeLessThan(1500);
  });

  it('have jobs sorted by creation together with the history', () => {
    const { newestFirst } = createState({ seed: 1, speed: 10, startedAt: START }).jobsAt(START + HOUR);
    const times = newestFirst.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('have no job before its creation', () => {
    const jobsAt = openGenerators();
    for (let age = 0; age < HOUR / 4; age += SECOND) {
      for (const { createdAt } of jobsAt(START + age)) expect(createdAt).toBeLessThanOrEqual(START + age);
    }
  });
});

describe('createState', () => {
  it('caches the job list until a job is created', () => {
    const state = createState({ seed: 1, speed: 10, startedAt: START });
    const atStart = state.jobsAt(START);
    expect(state.jobsAt(START + 1)).toBe(atStart);
  });

  it('has an example job that exists at any time', () => {
    const state = createState({ seed: 1, speed: 10, startedAt: START });
    for (const age of [0, HOUR, 1000 * HOUR]) {
      const { newestFirst, positions } = state.jobsAt(START + age);
      expect(newestFirst[positions.get(state.exampleJobId) ?? -1]?.id).toBe(state.exampleJobId);
    }
  });
});
