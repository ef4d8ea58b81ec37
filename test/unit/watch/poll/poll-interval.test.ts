import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextHeadPollIn, nextPollAfterFailureIn, nextPollIn } from '../../../../src/watch/poll/poll-interval.ts';

const STATES = [
  'VALIDATING_FILES',
  'QUEUED',
  'RUNNING',
  'PAUSING',
  'PAUSED',
  'RESUMING',
  'CANCELLING',
  'UNKNOWN sleeping',
];
const state = fc.constantFrom(...STATES);
const ms = fc.nat(10_000_000);
const interval = fc.integer({ min: 100, max: 120_000 });

describe('the next poll of a job', () => {
  it('is at least the poll interval, and at most a minute or that interval, away', () => {
    fc.assert(
      fc.property(state, ms, interval, (state, unchangedMs, poll) => {
        const wait = nextPollIn(state, unchangedMs, poll);
        expect(wait).toBeGreaterThanOrEqual(poll);
        expect(wait).toBeLessThanOrEqual(Math.max(60_000, poll));
      }),
    );
  });

  it('is later the longer the job has been unchanged', () => {
    fc.assert(
      fc.property(state, ms, ms, (state, a, b) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(nextPollIn(state, early, 2000)).toBeLessThanOrEqual(nextPollIn(state, late, 2000));
      }),
    );
  });

  it.each([
    ['QUEUED', 0, 2000],
    ['QUEUED', 20_000, 2000],
    ['QUEUED', 60_000, 6000],
    ['QUEUED', 3_600_000, 15_000],
    ['VALIDATING_FILES', 3_600_000, 10_000],
    ['RUNNING', 3_600_000, 15_000],
    ['CANCELLING', 3_600_000, 5000],
    ['PAUSED', 300_000, 30_000],
    ['PAUSED', 3_600_000, 60_000],
    ['UNKNOWN sleeping', 3_600_000, 60_000],
  ])('of a job that has been %s for %i ms is in %i ms', (state, unchangedMs, expected) => {
    expect(nextPollIn(state, unchangedMs, 2000)).toBe(expected);
  });

  it('of the head of the list is at most five seconds away', () => {
    expect(nextHeadPollIn(0, 2000)).toBe(2000);
    expect(nextHeadPollIn(30_000, 2000)).toBe(3000);
    expect(nextHeadPollIn(3_600_000, 2000)).toBe(5000);
  });
});

describe('the next poll after a failure', () => {
  it('is at least the poll interval, and at most 15 seconds with jitter, away', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const wait = nextPollAfterFailureIn(failures, 2000, random);
        expect(wait).toBeGreaterThanOrEqual(2000);
        expect(wait).toBeLessThanOrEqual(15_000 * 1.25);
      }),
    );
  });

  it('backs off exponentially, with jitter', () => {
    const delays = [1, 2, 3, 4].map((failures) => nextPollAfterFailureIn(failures, 2000, 0.5));
    expect(delays).toEqual([4000, 8000, 15_000, 15_000]);
    expect([0, 1].map((random) => nextPollAfterFailureIn(2, 2000, random))).toEqual([6000, 10_000]);
  });

  it('respects Retry-After, up to ten minutes', () => {
    expect(nextPollAfterFailureIn(1, 2000, 0.5, 45_000)).toBe(45_000);
    expect(nextPollAfterFailureIn(1, 2000, 0.5, 86_400_000)).toBe(600_000);
  });
});
