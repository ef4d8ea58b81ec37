import { describe, expect, it } from 'vitest';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  endOf,
  type JobObservation,
  jobFreshUntil,
  mergeJobObservation,
  NOT_ENDED,
  SETTLING_MS,
} from '../../../../src/store/cache/freshness.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

const limits = { activeMs: 1000, settledMs: 300_000 };
const running = readJob(jobBody({ status: 'running' }));
const succeeded = readJob(jobBody({ status: 'succeeded' }));
const observe = (job: typeof running | null, at: number, previous?: JobObservation) =>
  mergeJobObservation(previous, { value: job, requestedAt: at, requestedSeq: at, receivedAt: at, receivedSeq: at });
const observation = (value: typeof running, requestedSeq: number, receivedSeq: number) => ({
  value,
  requestedAt: 7,
  receivedAt: 7,
  requestedSeq,
  receivedSeq,
});

describe('mergeJobObservation', () => {
  it('keeps the time of the first observation in a terminal status', () => {
    const first = observe(succeeded, 1000);
    expect(observe(succeeded, 5000, first)).toMatchObject({ receivedAt: 5000, terminalSince: 1000 });
  });

  it('resets that time when the job does not exist any more', () => {
    expect(observe(null, 5000, observe(succeeded, 1000)).terminalSince).toBeNull();
  });

  it('never leaves a terminal status, and updates the other members of an ended job', () => {
    const ended = observe(succeeded, 1000);
    const failed = { ...succeeded, status: 'failed' };
    for (const job of [running, failed]) {
      expect(observe(job, 5000, ended)).toMatchObject({ value: succeeded, receivedAt: 5000, terminalSince: 1000 });
    }
    const richer = readJob(jobBody({ status: 'succeeded', result_files: ['file-results'] }));
    expect(observe(richer, 5000, ended).value).toBe(richer);
  });

  it('rejects an observation requested before the previous response, even within one millisecond', () => {
    const previous = mergeJobObservation(undefined, observation(running, 2, 4));
    expect(mergeJobObservation(previous, observation(succeeded, 1, 5))).toBe(previous);
    expect(mergeJobObservation(previous, observation(succeeded, 3, 5))).toBe(previous);
    expect(mergeJobObservation(previous, observation(succeeded, 5, 6))).toMatchObject({ value: succeeded });
  });
});

describe('an observation of a job', () => {
  it.each([
    ['an active job', running],
    ['an absence', null],
    ['a job that has just ended', succeeded],
  ])('of %s is fresh for activeMs', (_, job) => {
    expect(jobFreshUntil(observe(job, 5000), limits)).toBe(6000);
  });

  it('of a job that ended at least a minute ago is fresh for settledMs', () => {
    const first = observe(succeeded, 0);
    expect(jobFreshUntil(observe(succeeded, SETTLING_MS, first), limits)).toBe(SETTLING_MS + 300_000);
  });

  it('received within that minute never counts as settled', () => {
    const first = observe(succeeded, 0);
    expect(jobFreshUntil(observe(succeeded, SETTLING_MS - 1, first), limits)).toBe(SETTLING_MS - 1 + 1000);
  });

  it('is never fresh at 0 ms', () => {
    const none = { activeMs: 0, settledMs: 0 };
    expect(jobFreshUntil(observe(running, 7), none)).toBe(7);
    expect(activeFreshUntil(7, none)).toBe(7);
  });
});

describe('a job whose finished_at is', () => {
  const now = 1_760_001_000_000;
  const finished = (secondsAgo: number) =>
    readJob(jobBody({ status: 'succeeded', finished_at: now / 1000 - secondsAgo }));

  it('more than ten minutes ago is settled at its first observation', () => {
    const observation = observe(finished(601), now);
    expect(observation.terminalSince).toBe(now - SETTLING_MS);
    expect(jobFreshUntil(observation, limits)).toBe(now + 300_000);
    expect(endOf(observation)).toEqual({ endedAt: now - SETTLING_MS, settledAt: now });
  });

  it.each([0, 599, 600])('%i seconds ago is not settled, because clocks differ', (secondsAgo) => {
    expect(observe(finished(secondsAgo), now).terminalSince).toBe(now);
  });

  it('long ago is not settled when it was observed as active: the clocks differ by more', () => {
    expect(observe(finished(3600), now, observe(running, now - 5000)).terminalSince).toBe(now);
  });

  it('long ago is settled when the previous observation was an absence', () => {
    expect(observe(finished(3600), now, observe(null, now - 5000)).terminalSince).toBe(now - SETTLING_MS);
  });

  it('in the future counts as just ended', () => {
    expect(observe(finished(-3600), now).terminalSince).toBe(now);
  });
});

describe('endOf', () => {
  it('returns NOT_ENDED for a job that is active, absent or never observed', () => {
    for (const observation of [undefined, observe(running, 5), observe(null, 5)])
      expect(endOf(observation)).toBe(NOT_ENDED);
  });

  it('returns the first observation in a terminal status, and a minute later as the settled time', () => {
    const observation = observe(succeeded, 9000, observe(succeeded, 5000));
    expect(endOf(observation)).toEqual({ endedAt: 5000, settledAt: 5000 + SETTLING_MS });
  });
});

describe('data about a job, requested', () => {
  const end = { endedAt: 5000, settledAt: 65_000 };
  const read = (requestedAt: number) => ({ requestedAt, receivedAt: requestedAt + 100 });

  it.each([
    ['while it is active, is fresh for activeMs', NOT_ENDED, 4000, 5100],
    ['before its end, is never fresh', end, 4999, Number.NEGATIVE_INFINITY],
    ['after its end, is fresh for activeMs', end, 5000, 6100],
    ['just before it settles, is fresh for activeMs even if received later', end, 64_999, 66_099],
    ['after it has settled, is fresh for settledMs', end, 65_000, 365_100],
  ])('%s', (_, jobEnd, requestedAt, freshUntil) => {
    expect(aboutJobFreshUntil(read(requestedAt), jobEnd, limits)).toBe(freshUntil);
  });
});
