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
const seen = (job: typeof running | null, at: number, kept?: JobObservation) =>
  mergeJobObservation(kept, { value: job, requestedAt: at, requestedSeq: at, receivedAt: at, receivedSeq: at });
const sight = (value: typeof running, requestedSeq: number, receivedSeq: number) => ({
  value,
  requestedAt: 7,
  receivedAt: 7,
  requestedSeq,
  receivedSeq,
});

describe('remember', () => {
  it('keeps when a job was first seen at its end', () => {
    const first = seen(succeeded, 1000);
    expect(seen(succeeded, 5000, first)).toMatchObject({ receivedAt: 5000, terminalSince: 1000 });
  });

  it('begins anew when a job is gone', () => {
    expect(seen(null, 5000, seen(succeeded, 1000)).terminalSince).toBeNull();
  });

  it('lets nothing leave a terminal status, and yet sees what a job at its end still gets', () => {
    const ended = seen(succeeded, 1000);
    const failed = { ...succeeded, status: 'failed' };
    for (const job of [running, failed]) {
      expect(seen(job, 5000, ended)).toMatchObject({ value: succeeded, receivedAt: 5000, terminalSince: 1000 });
    }
    const richer = { ...succeeded, result_files: ['file-results'] };
    expect(seen(richer, 5000, ended).value).toBe(richer);
  });

  it('believes only what was asked after the kept answer had come, however short the time', () => {
    const kept = mergeJobObservation(undefined, sight(running, 2, 4));
    expect(mergeJobObservation(kept, sight(succeeded, 1, 5))).toBe(kept);
    expect(mergeJobObservation(kept, sight(succeeded, 3, 5))).toBe(kept);
    expect(mergeJobObservation(kept, sight(succeeded, 5, 6))).toMatchObject({ value: succeeded });
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

describe('a job that says that it finished', () => {
  const now = 1_760_001_000_000;
  const finished = (secondsAgo: number) =>
    readJob(jobBody({ status: 'succeeded', finished_at: now / 1000 - secondsAgo }));

  it('more than ten minutes ago has settled at first sight', () => {
    const observation = seen(finished(601), now);
    expect(observation.terminalSince).toBe(now - SETTLING_MS);
    expect(jobFreshUntil(observation, limits)).toBe(now + 300_000);
    expect(endOf(observation)).toEqual({ endedAt: now - SETTLING_MS, settledAt: now });
  });

  it.each([0, 599, 600])('%i seconds ago has not: clocks differ', (secondsAgo) => {
    expect(seen(finished(secondsAgo), now).terminalSince).toBe(now);
  });

  it('long ago has not when it was seen moving here: then the clocks differ by more', () => {
    expect(seen(finished(3600), now, seen(running, now - 5000)).terminalSince).toBe(now);
  });

  it('long ago has settled when all that is known of it is that it was not there', () => {
    expect(seen(finished(3600), now, seen(null, now - 5000)).terminalSince).toBe(now - SETTLING_MS);
  });

  it('in the future has only just ended', () => {
    expect(seen(finished(-3600), now).terminalSince).toBe(now);
  });
});

describe('the end of a job', () => {
  it('has not come for one that moves, is gone or was never seen', () => {
    for (const observation of [undefined, seen(running, 5), seen(null, 5)]) expect(endOf(observation)).toBe(NOT_ENDED);
  });

  it('is when it was first seen, and quiet a minute later', () => {
    const observation = seen(succeeded, 9000, seen(succeeded, 5000));
    expect(endOf(observation)).toEqual({ endedAt: 5000, settledAt: 5000 + SETTLING_MS });
  });
});

describe('what was read about a job', () => {
  const end = { endedAt: 5000, settledAt: 65_000 };
  const read = (requestedAt: number) => ({ requestedAt, receivedAt: requestedAt + 100 });

  it.each([
    ['while it moves', NOT_ENDED, 4000, 5100],
    ['before its end does not answer at all', end, 4999, Number.NEGATIVE_INFINITY],
    ['from its end on is fresh for activeMs', end, 5000, 6100],
    ['just before the quiet is, however late it arrives', end, 64_999, 66_099],
    ['from the quiet on is fresh for settledMs', end, 65_000, 365_100],
  ])('%s', (_, jobEnd, requestedAt, freshUntil) => {
    expect(aboutJobFreshUntil(read(requestedAt), jobEnd, limits)).toBe(freshUntil);
  });
});
