import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { openSandbox } from '../unit/sandbox/open.ts';

/** OpenAI's own client, told nothing but another base URL. */
async function openClient(options: { apiKey?: string; sentKey?: string } = {}) {
  const { apiKey = randomUUID(), sentKey = apiKey } = options;
  const sandbox = await openSandbox({ apiKey });
  const client = new OpenAI({ baseURL: sandbox.baseUrl.href, apiKey: sentKey, maxRetries: 0 });
  return { ...client, jobs: client.fineTuning.jobs, clock: sandbox.clock };
}

/** What a call rejects with. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the official openai client', () => {
  it('lists every job once by auto-paging', async () => {
    const { jobs } = await openClient();
    const ids = new Set<string>();
    let count = 0;
    for await (const job of jobs.list()) {
      ids.add(job.id);
      count += 1;
    }
    expect(count).toBeGreaterThan(60);
    expect(ids.size).toBe(count);
  });

  it('lists the same jobs whatever the limit', async () => {
    const { jobs } = await openClient();
    const ids = async (limit: number) => {
      const all = [];
      for await (const { id } of jobs.list({ limit })) all.push(id);
      return all;
    };
    expect(await ids(7)).toEqual(await ids(100));
  });

  it('goes on from a cursor', async () => {
    const { jobs } = await openClient();
    const [first, second, third] = (await jobs.list({ limit: 3 })).data;
    const next = await jobs.list({ limit: 2, after: first?.id ?? '' });
    expect(next.data).toEqual([second, third]);
  });

  it('filters by metadata', async () => {
    const { jobs } = await openClient();
    const { data } = await jobs.list({ metadata: { team: 'support', stage: 'production' } });
    expect(data.length).toBeGreaterThan(0);
    for (const { metadata } of data) expect(metadata).toEqual({ team: 'support', stage: 'production' });
  });

  it('finds the jobs without metadata by null', async () => {
    const { jobs } = await openClient();
    const { data } = await jobs.list({ metadata: null });
    expect(data.length).toBeGreaterThan(0);
    for (const { metadata } of data) expect(metadata ?? {}).toEqual({});
  });

  it('retrieves a job as the list has it', async () => {
    const { jobs } = await openClient();
    const [job] = (await jobs.list()).data;
    expect(await jobs.retrieve(job?.id ?? '')).toMatchObject({ ...job });
  });

  it('sees a job through to its end', async () => {
    const { jobs, clock } = await openClient();
    const moving = (await jobs.list()).data.find(({ status }) => status === 'running');
    clock.advance(300_000);
    const ended = await jobs.retrieve(moving?.id ?? '');
    expect(['succeeded', 'cancelled']).toContain(ended.status);
  });

  it('reads the request id', async () => {
    const { jobs } = await openClient();
    const { request_id } = await jobs.list().withResponse();
    expect(request_id).toMatch(/^req_/);
  });

  it('throws NotFoundError for an unknown job, with its code and param', async () => {
    const { jobs } = await openClient();
    const error = await failure(jobs.retrieve('ftjob-nobody'));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: 'fine_tune_not_found', param: 'fine_tune_id' });
  });

  it('throws AuthenticationError for a wrong key', async () => {
    const { jobs } = await openClient({ sentKey: randomUUID() });
    const error = await failure(jobs.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' });
  });

  it('throws BadRequestError for a bad limit', async () => {
    const { jobs } = await openClient();
    const error = await failure(jobs.list({ limit: 0 }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'limit' });
  });
});
