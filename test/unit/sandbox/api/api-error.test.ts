import { describe, expect, it } from 'vitest';
import { openSandbox } from '../open.ts';

const ANY_KEY = { authorization: 'Bearer any' };

describe('an error response', () => {
  it('has the recorded body for an unknown job', async () => {
    expect(await (await openSandbox()).getJson('/fine_tuning/jobs/ftjob-unknown')).toEqual({
      status: 404,
      body: {
        error: {
          message: 'Could not find fine tune: ftjob-unknown',
          type: 'invalid_request_error',
          param: 'fine_tune_id',
          code: 'fine_tune_not_found',
        },
      },
    });
  });

  it('has the decoded id of an unknown job, or the raw one when the encoding is invalid', async () => {
    const { getJson } = await openSandbox();
    const message = async (segment: string) => (await getJson(`/fine_tuning/jobs/${segment}`)).body;
    expect(await message('a%20b%2Fc')).toMatchObject({ error: { message: 'Could not find fine tune: a b/c' } });
    expect(await message('%E0%A4')).toMatchObject({ error: { message: 'Could not find fine tune: %E0%A4' } });
  });

  it.each(['/x', '/files/', '/fine_tuning/jobs/a/b/', '/fine_tuning/jobs/a/b', '/fine_tuning', ''])(
    'reports the invalid URL /v1%s',
    async (path) => {
      expect(await (await openSandbox()).getJson(path)).toEqual({
        status: 404,
        body: {
          error: { message: `Invalid URL (GET /v1${path})`, type: 'invalid_request_error', param: null, code: null },
        },
      });
    },
  );

  it('lists the allowed methods of a path', async () => {
    const { get } = await openSandbox();
    for (const path of ['/fine_tuning/jobs', '/fine_tuning/jobs/ftjob-x']) {
      const response = await get(path, { method: 'PUT', body: '{}', headers: ANY_KEY });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toContain('GET');
      expect(await response.json()).toMatchObject({
        error: { message: `Not allowed to PUT on /v1${path}.`, type: 'invalid_request_error', param: null },
      });
    }
  });
});

describe('the headers of a response', () => {
  it('are those of the real API, for a success and for an error', async () => {
    const { get } = await openSandbox();
    for (const path of ['/fine_tuning/jobs', '/x']) {
      const headers = Object.fromEntries((await get(path)).headers);
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'openai-organization': 'sandbox',
        'openai-processing-ms': '0',
        'openai-version': '2020-10-01',
      });
      expect(headers['openai-project']).toMatch(/^proj_\w{24}$/);
      expect(headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
    }
  });

  it('have a different request id for each request', async () => {
    const { get } = await openSandbox();
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await get('/fine_tuning/jobs')).headers.get('x-request-id')),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('have no rate limits', async () => {
    const { headers } = await (await openSandbox()).get('/fine_tuning/jobs');
    expect([...headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
  });
});
