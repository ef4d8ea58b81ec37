import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openSandbox } from '../open.ts';

const withKey = (authorization: string) => ({ headers: { authorization } });

describe('a sandbox without a key of its own', () => {
  it('accepts any key', async () => {
    const { get } = await openSandbox();
    expect((await get('/fine_tuning/jobs', withKey(`Bearer ${randomUUID()}`))).status).toBe(200);
  });

  it.each([
    ['no header', {}],
    ['an empty key', withKey('Bearer ')],
    ['another scheme', withKey('Basic abc')],
    ['a key without a scheme', withKey('abc')],
  ])('refuses %s', async (_, init) => {
    const { get } = await openSandbox();
    const response = await get('/fine_tuning/jobs', init);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      error: { message: /API key/, type: 'invalid_request_error', param: null, code: null },
    });
  });
});

describe('a sandbox with a key of its own', () => {
  it('accepts that key', async () => {
    const apiKey = randomUUID();
    const { get } = await openSandbox({ apiKey });
    expect((await get('/fine_tuning/jobs', withKey(`Bearer ${apiKey}`))).status).toBe(200);
  });

  it('refuses any other key as incorrect', async () => {
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

  it('never repeats a key, neither the one that was sent nor its own', async () => {
    const [apiKey, sent] = [randomUUID(), randomUUID()];
    const { get } = await openSandbox({ apiKey });
    const response = await get('/fine_tuning/jobs', withKey(`Bearer ${sent}`));
    const whole = JSON.stringify([...response.headers]) + (await response.text());
    expect(whole).not.toContain(sent.slice(-4));
    expect(whole).not.toContain(apiKey.slice(-4));
  });

  it('asks for the key on every path', async () => {
    const { get } = await openSandbox({ apiKey: randomUUID() });
    for (const path of ['/fine_tuning/jobs/ftjob-x', '/nowhere']) expect((await get(path)).status).toBe(401);
  });
});
