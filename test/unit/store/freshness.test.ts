import { describe, expect, it } from 'vitest';
import { activeFreshUntil, type JobSight, jobFreshUntil, remember, SETTLING_MS } from '../../../src/store/freshness.ts';
import { readJob } from '../../../src/upstream/job.ts';
import { jobBody } from '../../kit/job.ts';

const limits = { activeMs: 1000, settledMs: 300_000 };
const running = readJob(jobBody({ status: 'running' }));
const succeeded = readJob(jobBody({ status: 'succeeded' }));
const seen = (job: typeof running | null, at: number, kept?: JobSight) =>
  remember(kept, { value: job, beganAt: at, arrivedAt: at });

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
    const newer = remember(undefined, { value: succeeded, beganAt: 20, arrivedAt: 30 });
    expect(remember(newer, { value: running, beganAt: 10, arrivedAt: 40 })).toBe(newer);
  });
});

describe('a sight of a job', () => {
  it.each([
    ['a moving job', running],
    ['an absence', null],
    ['a job that has just ended', succeeded],
  ])('of %s is fresh for activeMs', (_, job) => {
    expect(jobFreshUntil(seen(job, 5000), limits)).toBe(6000);
  });

  it('of a job that ended a minute ago or earlier is fresh for settledMs', () => {
    const first = seen(succeeded, 0);
    expect(jobFreshUntil(seen(succeeded, SETTLING_MS, first), limits)).toBe(SETTLING_MS + 300_000);
  });

  it('taken within that minute never counts as settled', () => {
    const first = seen(succeeded, 0);
    expect(jobFreshUntil(seen(succeeded, SETTLING_MS - 1, first), limits)).toBe(SETTLING_MS - 1 + 1000);
  });

  it('is never fresh at 0 ms', () => {
    const none = { activeMs: 0, settledMs: 0 };
    expect(jobFreshUntil(seen(running, 7), none)).toBe(7);
    expect(activeFreshUntil(7, none)).toBe(7);
  });
});
