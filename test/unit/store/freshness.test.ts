import { describe, expect, it } from 'vitest';
import { isJobFresh, isListFresh, type JobSight, remember, SETTLING_MS } from '../../../src/store/freshness.ts';
import { readJob } from '../../../src/upstream/job.ts';
import { jobBody } from '../../kit/job.ts';

const limits = { activeMs: 1000, settledMs: 300_000 };
const running = readJob(jobBody({ status: 'running' }));
const succeeded = readJob(jobBody({ status: 'succeeded' }));
const seen = (job: typeof running | null, at: number, kept?: JobSight) =>
  remember(kept, { job, beganAt: at, arrivedAt: at });

describe('remember', () => {
  it('keeps when a job was first seen at its end', () => {
    const first = seen(succeeded, 1000);
    expect(seen(succeeded, 5000, first)).toMatchObject({ arrivedAt: 5000, terminalSince: 1000 });
  });

  it('begins anew when a job moves again, or is gone', () => {
    const ended = seen(succeeded, 1000);
    expect(seen(running, 5000, ended).terminalSince).toBeNull();
    expect(seen(null, 5000, ended).terminalSince).toBeNull();
  });

  it('does not let an answer to an older question replace a newer', () => {
    const newer = remember(undefined, { job: succeeded, beganAt: 20, arrivedAt: 30 });
    expect(remember(newer, { job: running, beganAt: 10, arrivedAt: 40 })).toBe(newer);
  });
});

describe('a sight of a job', () => {
  it.each([
    ['a moving job', running],
    ['an absence', null],
    ['a job that has just ended', succeeded],
  ])('of %s is fresh for activeMs', (_, job) => {
    const sight = seen(job, 0);
    expect([isJobFresh(sight, 999, limits), isJobFresh(sight, 1000, limits)]).toEqual([true, false]);
  });

  it('of a settled job is fresh for settledMs', () => {
    const sight = seen(succeeded, SETTLING_MS, seen(succeeded, 0));
    const at = (ms: number) => isJobFresh(sight, SETTLING_MS + ms, limits);
    expect([at(0), at(299_999), at(300_000)]).toEqual([true, true, false]);
  });

  it('is never fresh at 0 ms', () => {
    const none = { activeMs: 0, settledMs: 0 };
    expect(isJobFresh(seen(running, 0), 0, none)).toBe(false);
    expect(isListFresh(0, 0, none)).toBe(false);
  });
});
