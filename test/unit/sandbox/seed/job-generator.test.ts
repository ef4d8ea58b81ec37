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
const MOVING = ['validating_files', 'queued', 'running'];

/** The jobs that are not of the history, newest first. */
function openLanes({ seed = 1, speed = 10 } = {}) {
  const state = createState({ seed, speed, startedAt: START });
  const history = createHistory(seed, START, createScenarios(seed), createAccount(seed));
  const old = new Set(history.map(({ id }) => id));
  return (now: number) => state.jobsAt(now).newestFirst.filter(({ id }) => !old.has(id));
}

const isMoving = (now: number) => (plan: JobPlan) => MOVING.includes(statusAt(plan, now));

const anySpeed = fc.double({ min: 0.001, max: 10_000, noNaN: true });
const anyAge = fc.double({ min: 0, max: 1000 * HOUR, noNaN: true });

describe('the lanes of a sandbox', () => {
  it('have three jobs that move, at any time', () => {
    fc.assert(
      fc.property(fc.integer(), anySpeed, fc.array(anyAge, { maxLength: 5 }), (seed, speed, ages) => {
        const lanes = openLanes({ seed, speed });
        for (const now of ages.map((age) => START + age)) expect(lanes(now).filter(isMoving(now))).toHaveLength(3);
      }),
      { numRuns: 60 },
    );
  });

  it('have three jobs that move at the very moment of a change', () => {
    const lanes = openLanes();
    const changes = lanes(START + HOUR).flatMap(({ createdAt, changes }) => [
      createdAt,
      ...changes.map(({ at }) => at),
    ]);
    for (const change of changes.filter((at) => at >= START)) {
      for (const now of [change - 1, change, change + 1]) expect(lanes(now).filter(isMoving(now))).toHaveLength(3);
    }
  });

  it('never start together: at the start, each job has its own age', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const ages = openLanes({ seed })(START).map(({ createdAt }) => createdAt);
        expect(new Set(ages).size).toBe(ages.length);
      }),
    );
  });

  it('run for a minute or two at ten times the real speed', () => {
    for (const { changes } of openLanes()(START + 2 * HOUR)) {
      const started = changes.find(({ status }) => status === 'running')?.at;
      if (started === undefined) continue;
      const seconds = ((changes.at(-1)?.at ?? 0) - started) / SECOND;
      expect(seconds).toBeGreaterThan(45);
      expect(seconds).toBeLessThan(135);
    }
  });

  it('mostly succeed, and sometimes fail or are cancelled', () => {
    const now = START + 5 * HOUR;
    const ended = openLanes()(now).map((plan) => statusAt(plan, now));
    const share = (status: string) => ended.filter((each) => each === status).length / ended.length;
    expect(share('succeeded')).toBeGreaterThan(0.5);
    expect(share('failed')).toBeGreaterThan(0.05);
    expect(share('cancelled')).toBeGreaterThan(0.05);
  });

  it('are at most 300 jobs, however long the sandbox has run', () => {
    fc.assert(
      fc.property(anyAge, anySpeed, (age, speed) => {
        expect(openLanes({ speed })(START + age).length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 30 },
    );
  });

  it('lose a job only long after it has ended', () => {
    const lanes = openLanes();
    const before = lanes(START + 10 * HOUR);
    const after = new Set(lanes(START + 10.5 * HOUR).map(({ id }) => id));
    for (const { id, changes } of before.filter(({ id }) => !after.has(id))) {
      expect(changes.at(-1)?.at, id).toBeLessThan(START + 9.5 * HOUR);
    }
  });

  it('depend on seed, speed and start alone, not on when they were looked at', () => {
    const watched = openLanes();
    for (let age = 0; age < HOUR; age += 7 * SECOND) watched(START + age);
    expect(watched(START + HOUR)).toEqual(openLanes()(START + HOUR));
  });

  it('are planned once, as their logs and files are kept by the plan', () => {
    const lanes = openLanes();
    const before = new Map(lanes(START).map((plan) => [plan.id, plan]));
    const after = lanes(START + HOUR).filter(({ id }) => before.has(id));
    expect(after.length).toBe(before.size);
    for (const plan of after) expect(plan).toBe(before.get(plan.id));
  });

  it('never train thousands of steps: nobody watches that in a minute', () => {
    for (const plan of openLanes()(START + 5 * HOUR)) expect(totalSteps(plan)).toBeLessThan(1500);
  });

  it('are listed newest first, among the history', () => {
    const { newestFirst } = createState({ seed: 1, speed: 10, startedAt: START }).jobsAt(START + HOUR);
    const times = newestFirst.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('are listed from the moment of their creation on', () => {
    const lanes = openLanes();
    for (let age = 0; age < HOUR / 4; age += SECOND) {
      for (const { createdAt } of lanes(START + age)) expect(createdAt).toBeLessThanOrEqual(START + age);
    }
  });
});

describe('the state of a sandbox', () => {
  it('does not plan its jobs again until one is created', () => {
    const state = createState({ seed: 1, speed: 10, startedAt: START });
    const atStart = state.jobsAt(START);
    expect(state.jobsAt(START + 1)).toBe(atStart);
  });

  it('offers a job for examples that is there at any time', () => {
    const state = createState({ seed: 1, speed: 10, startedAt: START });
    for (const age of [0, HOUR, 1000 * HOUR]) {
      const { newestFirst, positions } = state.jobsAt(START + age);
      expect(newestFirst[positions.get(state.exampleJobId) ?? -1]?.id).toBe(state.exampleJobId);
    }
  });
});
