import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openSandbox } from '../open.ts';

const withKey = (authorization: string) => ({ headers: { authorization } });

describe('a sandbox without an API key', () => {
  it('accepts any key', async () => {
    const { get } = await openSandbox();
    expect((await get('/fine_tuning/jobs', withKey(`Bearer ${randomUUID()}`))).status).toBe(200);
  });

  it.each([
    ['no header', {}],
    ['an empty key', withKey('Bearer ')],
    ['a scheme other than Bearer', withKey('Basic abc')],
    ['a key without a scheme', withKey('abc')],
  ])('rejects %s', async (_, init) => {
    const { get } = await openSandbox();
    const response = await get('/fine_tuning/jobs', init);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      error: { message: /API key/, type: 'invalid_request_error', param: null, code: null },
    });
  });
});

describe('a sandbox with an API key', () => {
  it('accepts this key', async () => {
    const apiKey = randomUUID();
    const { get } = await openSandbox({ apiKey });
    expect((await get('/fine_tuning/jobs', withKey(`Bearer ${apiKey}`))).status).toBe(200);
  });

  it('rejects any other key as incorrect', async () => {
    const apiKey = randomUUID();
    const { get } = await openSandbox({ apiKey });
    for (const key of [randomUUID(), apiKey.slice(1), `${apiKey}0`]) {
      const response = await get('/fine_tuning/jobs', withKey(`Bearer ${key}`));
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        error: { type: 'invalid_request_error', param: null, code: 'invalid_api_key' },
      });
    }
  });

  it('returns no part of a key, neither of the sent one nor of its own', async () => {
    const [apiKey, sent] = [randomUUID(), randomUUID()];
    const { get } = await openSandbox({ apiKey });
    const response = await get('/fine_tuning/jobs', withKey(`Bearer ${sent}`));
    const text = JSON.stringify([...response.headers]) + (await response.text());
    expect(text).not.toContain(sent.slice(-4));
    expect(text).not.toContain(apiKey.slice(-4));
  });

  it('requires the key on every path', async () => {
    const { get } = await openSandbox({ apiKey: randomUUID() });
    for (const path of ['/fine_tuning/jobs/ftjob-x', '/nowhere']) expect((await get(path)).status).toBe(401);
  });
});
