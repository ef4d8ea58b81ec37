import { describe, expect, it } from 'vitest';
import { deriveMark } from '../../../../src/commands/idempotency/derive-mark.ts';
import { addMark, hasKeyOf, hasRequestOf, removeMark } from '../../../../src/upstream/resources/idempotency-mark.ts';
import { metadataOf } from '../../../../src/upstream/resources/job-parts.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

const CLAIM = { credential: { apiKey: 'one' }, callerId: 'ada', key: 'nightly-1', request: { model: 'm', seed: 1 } };

describe('the mark of a claim', () => {
  it('is deterministic, and contains neither the key nor the credential', () => {
    const mark = deriveMark(CLAIM);
    expect(deriveMark({ ...CLAIM, credential: { ...CLAIM.credential } })).toEqual(mark);
    expect(JSON.stringify(mark)).not.toMatch(/nightly|one|ada/);
    for (const digest of Object.values(mark)) expect(digest).toMatch(/^[\w-]{43}$/);
  });

  it.each([
    ['another caller', { callerId: 'bob' }],
    ['a caller without a name', { callerId: null }],
    ['another credential', { credential: { apiKey: 'two' } }],
    ['another organization', { credential: { apiKey: 'one', organizationId: 'org-2' } }],
    ['another project', { credential: { apiKey: 'one', projectId: 'proj-2' } }],
    ['another key', { key: 'nightly-2' }],
  ])('differs for %s', (_, members) => {
    expect(deriveMark({ ...CLAIM, ...members }).key).not.toBe(deriveMark(CLAIM).key);
  });

  it('differs between a caller named "null" and a caller without a name', () => {
    expect(deriveMark({ ...CLAIM, callerId: 'null' }).key).not.toBe(deriveMark({ ...CLAIM, callerId: null }).key);
  });

  it('has the same key for another request, and is equal for the same request with reordered members', () => {
    const [mark, other] = [deriveMark(CLAIM), deriveMark({ ...CLAIM, request: { model: 'm', seed: 2 } })];
    expect(other.key).toBe(mark.key);
    expect(other.request).not.toBe(mark.request);
    expect(deriveMark({ ...CLAIM, request: { seed: 1, model: 'm' } })).toEqual(mark);
  });
});

describe('a body with a mark', () => {
  const mark = deriveMark(CLAIM);
  const other = deriveMark({ ...CLAIM, key: 'nightly-2', request: {} });

  it('matches this mark, and no other', () => {
    const raw = addMark(jobBody({ metadata: { team: 'a' } }), mark);
    expect([hasKeyOf({ raw }, mark), hasRequestOf({ raw }, mark)]).toEqual([true, true]);
    expect([hasKeyOf({ raw }, other), hasRequestOf({ raw }, other)]).toEqual([false, false]);
    for (const raw of [jobBody(), jobBody({ metadata: [] }), null, 'x']) expect(hasKeyOf({ raw }, mark)).toBe(false);
  });

  it.each([[{ team: 'a' }], [null]])('is equal to the body without it after removeMark: metadata %j', (metadata) => {
    const body = jobBody({ metadata });
    const raw = addMark(body, mark);
    expect(removeMark(raw)).toEqual(body);
    expect(Object.keys(Object(removeMark(raw)))).toEqual(Object.keys(body));
    expect(metadataOf({ raw })).toEqual(metadata ? [{ key: 'team', value: 'a' }] : []);
  });

  it.each([[jobBody()], [jobBody({ metadata: { team: 'a' } })], [jobBody({ metadata: 5 })], [null], [[]]])(
    'that has none is returned as the same object',
    (raw) => {
      expect(removeMark(raw)).toBe(raw);
    },
  );
});
