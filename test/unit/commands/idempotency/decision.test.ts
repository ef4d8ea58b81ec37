import { describe, expect, it } from 'vitest';
import { decide, UNKNOWN_MS } from '../../../../src/commands/idempotency/decision.ts';
import { deriveMark } from '../../../../src/commands/idempotency/derive-mark.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { addMark } from '../../../../src/upstream/resources/idempotency-mark.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

const claim = (request: object) => ({ credential: { apiKey: 'one' }, callerId: null, key: 'k', request });
const [mark, otherMark] = [deriveMark(claim({ model: 'm' })), deriveMark(claim({ model: 'n' }))];
const unresolved = { error: new UpstreamError('UPSTREAM_TIMEOUT', ''), forMs: 1000 };
const jobOf = (marked: typeof mark) => readJob(addMark(jobBody(), marked));

describe('decide', () => {
  it.each([null, unresolved])('returns the job found: created by the same request, or a conflict', (last) => {
    expect(decide(mark, jobOf(mark), last)).toMatchObject({ kind: 'created', job: { id: jobBody().id } });
    expect(decide(mark, jobOf(otherMark), last)).toMatchObject({ kind: 'conflict' });
  });

  it('creates the job when none is found, and there is no unresolved create', () => {
    expect(decide(mark, null, null)).toEqual({ kind: 'create' });
  });

  it('waits for a minute after a create with an unknown outcome', () => {
    const kindAfter = (ms: number) => decide(mark, null, { ...unresolved, forMs: ms });
    expect(kindAfter(-1)).toEqual({ kind: 'unresolved', error: unresolved.error });
    expect(kindAfter(0)).toEqual({ kind: 'unresolved', error: unresolved.error });
    expect(kindAfter(UNKNOWN_MS - 1)).toEqual({ kind: 'unresolved', error: unresolved.error });
    expect(kindAfter(UNKNOWN_MS)).toEqual({ kind: 'create' });
  });
});
