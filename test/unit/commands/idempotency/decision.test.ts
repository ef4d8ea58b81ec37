import { describe, expect, it } from 'vitest';
import { decide, UNKNOWN_MS } from '../../../../src/commands/idempotency/decision.ts';
import { markOf } from '../../../../src/commands/idempotency/idempotency-key.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { addMark } from '../../../../src/upstream/resources/idempotency-mark.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

const claim = (request: object) => ({ credential: { apiKey: 'one' }, callerName: null, key: 'k', request });
const [mark, otherMark] = [markOf(claim({ model: 'm' })), markOf(claim({ model: 'n' }))];
const last = { error: new UpstreamError('UPSTREAM_TIMEOUT', ''), unknownAt: 1000 };
const jobOf = (marked: typeof mark) => readJob(addMark(jobBody(), marked));

describe('what is to be done under a key', () => {
  it.each([null, last])('is to answer with the job that was found, of the same request or another', (unknown) => {
    expect(decide(mark, jobOf(mark), unknown, 1000)).toMatchObject({ kind: 'made', job: { id: jobBody().id } });
    expect(decide(mark, jobOf(otherMark), unknown, 1000)).toMatchObject({ kind: 'other' });
  });

  it('is to create when there is none, and nothing is known of another create', () => {
    expect(decide(mark, null, null, 1000)).toEqual({ kind: 'create' });
  });

  it('is to wait for a minute after a create of which nobody knows what came of it', () => {
    const kindAfter = (ms: number) => decide(mark, null, last, last.unknownAt + ms);
    expect(kindAfter(0)).toEqual({ kind: 'wait', error: last.error });
    expect(kindAfter(UNKNOWN_MS - 1)).toEqual({ kind: 'wait', error: last.error });
    expect(kindAfter(UNKNOWN_MS)).toEqual({ kind: 'create' });
  });
});
