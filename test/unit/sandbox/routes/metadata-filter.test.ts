import { describe, expect, it } from 'vitest';
import { openSandbox } from '../open.ts';

describe('the metadata filter', () => {
  it('returns all jobs with the pair, and no others', async () => {
    const { jobs } = await openSandbox();
    const expected = (await jobs()).filter(({ metadata }) => metadata?.['team'] === 'support');
    expect(expected.length).toBeGreaterThan(0);
    expect(await jobs('?limit=1000&metadata[team]=support')).toEqual(expected);
  });

  it('requires all of several pairs', async () => {
    const { jobs } = await openSandbox();
    const found = await jobs('?limit=1000&metadata[team]=support&metadata[stage]=production');
    expect(found.length).toBeGreaterThan(0);
    for (const { metadata } of found) expect(metadata).toEqual({ team: 'support', stage: 'production' });
  });

  it('accepts percent-encoded brackets', async () => {
    const { jobs } = await openSandbox();
    expect(await jobs('?metadata%5Bteam%5D=legal')).toEqual(await jobs('?metadata[team]=legal'));
  });

  it.each(['null', ''])('returns the jobs without metadata for metadata=%s', async (value) => {
    const { jobs } = await openSandbox();
    const found = await jobs(`?limit=1000&metadata=${value}`);
    expect(new Set(found.map(({ metadata }) => JSON.stringify(metadata)))).toEqual(new Set(['null', '{}']));
    expect(found).toEqual((await jobs()).filter(({ metadata }) => Object.keys(metadata ?? {}).length === 0));
  });

  it.each(['unknown', 'constructor', '__proto__'])('returns no job for the unknown key %s', async (key) => {
    const { getJson } = await openSandbox();
    const { body } = await getJson(`/fine_tuning/jobs?metadata[${key}]=x`);
    expect(body).toEqual({ object: 'list', data: [], has_more: false });
  });

  it('accepts a cursor that it does not match', async () => {
    const { jobs } = await openSandbox();
    const all = await jobs();
    const from = all.findIndex(({ metadata }) => metadata === null);
    const expected = all.slice(from + 1).filter(({ metadata }) => metadata?.['team'] === 'legal');
    expect(await jobs(`?metadata[team]=legal&after=${all[from]?.id}`)).toEqual(expected);
  });

  it('rejects a value that is neither pairs nor null', async () => {
    const { status, body } = await (await openSandbox()).getJson('/fine_tuning/jobs?metadata=support');
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { param: 'metadata', code: 'invalid_type' } });
  });
});
