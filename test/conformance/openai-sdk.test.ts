import { randomUUID } from 'node:crypto';
import OpenAI, { AzureOpenAI } from 'openai';
import { describe, expect, it } from 'vitest';
import { openSandbox } from '../unit/sandbox/open.ts';

/** Opens a sandbox and the official client, configured with the base URL and the key only. */
async function openClient(options: { apiKey?: string; sentKey?: string } = {}) {
  const { apiKey = randomUUID(), sentKey = apiKey } = options;
  const sandbox = await openSandbox({ apiKey });
  const client = new OpenAI({ baseURL: sandbox.baseUrl.href, apiKey: sentKey, maxRetries: 0 });
  return { client, jobs: client.fineTuning.jobs, clock: sandbox.clock, exampleJobId: sandbox.exampleJobId };
}

/** All items of a list, by auto-paging. */
async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** The error that a call rejects with. */
async function errorOf(call: Promise<unknown>): Promise<unknown> {
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

  it('continues from a cursor', async () => {
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

  it('filters jobs without metadata by null', async () => {
    const { jobs } = await openClient();
    const { data } = await jobs.list({ metadata: null });
    expect(data.length).toBeGreaterThan(0);
    for (const { metadata } of data) expect(metadata ?? {}).toEqual({});
  });

  it('retrieves a job with the body of the list', async () => {
    const { jobs } = await openClient();
    const [job] = (await jobs.list()).data;
    expect(await jobs.retrieve(job?.id ?? '')).toMatchObject({ ...job });
  });

  it('retrieves a running job until its end', async () => {
    const { jobs, clock } = await openClient();
    const running = (await jobs.list()).data.find(({ status }) => status === 'running');
    clock.advance(300_000);
    const ended = await jobs.retrieve(running?.id ?? '');
    expect(['succeeded', 'cancelled']).toContain(ended.status);
  });

  it('reads the request id', async () => {
    const { jobs } = await openClient();
    const { request_id } = await jobs.list().withResponse();
    expect(request_id).toMatch(/^req_/);
  });

  it('throws NotFoundError for an unknown job, with its code and param', async () => {
    const { jobs } = await openClient();
    const error = await errorOf(jobs.retrieve('ftjob-unknown'));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: 'fine_tune_not_found', param: 'fine_tune_id' });
  });

  it('throws AuthenticationError for an incorrect key', async () => {
    const { jobs } = await openClient({ sentKey: randomUUID() });
    const error = await errorOf(jobs.list());
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' });
  });

  it('throws BadRequestError for an invalid limit', async () => {
    const { jobs } = await openClient();
    const error = await errorOf(jobs.list({ limit: 0 }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'limit' });
  });
});

describe('the official openai client with events and checkpoints', () => {
  it('lists every event once by auto-paging, whatever the limit', async () => {
    const { jobs, exampleJobId } = await openClient();
    const events = await all(jobs.listEvents(exampleJobId));
    expect(events).toHaveLength(251);
    expect(new Set(events.map(({ id }) => id)).size).toBe(251);
    expect(await all(jobs.listEvents(exampleJobId, { limit: 100 }))).toEqual(events);
  });

  it('lists thousands of events by auto-paging', async () => {
    const { jobs } = await openClient();
    const known = await all(jobs.list({ limit: 100 }));
    const long = known.find(({ model, status }) => model === 'babbage-002' && status === 'succeeded');
    const events = await all(jobs.listEvents(long?.id ?? '', { limit: 100 }));
    expect(events.filter(({ type }) => type === 'metrics')).toHaveLength(5000);
  });

  it('throws NotFoundError for the events and the checkpoints of an unknown job', async () => {
    const { jobs } = await openClient();
    const expected = { status: 404, code: 'fine_tune_not_found', param: 'fine_tune_id' };
    expect(await errorOf(Promise.resolve(jobs.listEvents('ftjob-unknown')))).toMatchObject(expected);
    expect(await errorOf(Promise.resolve(jobs.checkpoints.list('ftjob-unknown')))).toMatchObject(expected);
  });

  it('lists every checkpoint once by auto-paging', async () => {
    const { jobs, exampleJobId } = await openClient();
    const checkpoints = await all(jobs.checkpoints.list(exampleJobId, { limit: 1 }));
    expect(checkpoints.map(({ step_number }) => step_number)).toEqual([240, 160, 80]);
    const job = await jobs.retrieve(exampleJobId);
    expect(checkpoints[0]?.fine_tuned_model_checkpoint).toBe(job.fine_tuned_model);
  });
});

describe('the official openai client with files and models', () => {
  it('lists every file once by auto-paging, in both orders', async () => {
    const { client } = await openClient();
    const files = await all(client.files.list());
    expect(files.length).toBeGreaterThan(50);
    expect(await all(client.files.list({ limit: 9 }))).toEqual(files);
    expect(await all(client.files.list({ limit: 9, order: 'asc' }))).toEqual(files.toReversed());
  });

  it('lists the files of a purpose', async () => {
    const { client } = await openClient();
    const files = await all(client.files.list({ purpose: 'fine-tune-results' }));
    expect(new Set(files.map(({ purpose }) => purpose))).toEqual(new Set(['fine-tune-results']));
  });

  it('retrieves a file with the body of the list', async () => {
    const { client } = await openClient();
    const [file] = (await client.files.list({ limit: 1 })).data;
    expect(await client.files.retrieve(file?.id ?? '')).toMatchObject({ ...file });
  });

  it('reads the content of a training file', async () => {
    const { client, jobs, exampleJobId } = await openClient();
    const { training_file } = await jobs.retrieve(exampleJobId);
    const response = await client.files.content(training_file);
    const content = await response.text();
    expect(Buffer.byteLength(content)).toBe((await client.files.retrieve(training_file)).bytes);
    expect(content.trimEnd().split('\n')).toHaveLength(80);
  });

  it('reads the results of a job in base64', async () => {
    const { client, jobs, exampleJobId } = await openClient();
    const { result_files } = await jobs.retrieve(exampleJobId);
    const text = await (await client.files.content(result_files[0] ?? '')).text();
    expect(Buffer.from(text, 'base64').toString()).toMatch(/^step,train_loss,.*\n1,\d/);
  });

  it('throws NotFoundError for an unknown file and its content', async () => {
    const { client } = await openClient();
    for (const call of [client.files.retrieve('file-unknown'), client.files.content('file-unknown')]) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ param: 'id', type: 'invalid_request_error' });
    }
  });

  it('throws BadRequestError for an invalid order', async () => {
    const { client } = await openClient();
    const order = 'ascending' as 'asc'; // Invalid on purpose, to get the error of the server.
    expect(await errorOf(Promise.resolve(client.files.list({ order })))).toBeInstanceOf(OpenAI.BadRequestError);
  });

  it('lists the models, and retrieves each by its name with colons', async () => {
    const { client, jobs, exampleJobId } = await openClient();
    const models = await all(client.models.list());
    const { fine_tuned_model } = await jobs.retrieve(exampleJobId);
    const tuned = models.find(({ id }) => id === fine_tuned_model);
    expect(await client.models.retrieve(fine_tuned_model ?? '')).toMatchObject({
      ...tuned,
      owned_by: expect.any(String),
    });
  });

  it('throws NotFoundError for an unknown model', async () => {
    const { client } = await openClient();
    expect(await errorOf(client.models.retrieve('unknown'))).toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

describe('the official openai client for Azure in the dialect azure', () => {
  async function openAzureClient() {
    const apiKey = randomUUID();
    const { baseUrl, exampleJobId } = await openSandbox({ apiKey, dialect: 'azure' });
    const options = { baseURL: baseUrl.href, apiKey, apiVersion: '2024-10-21', maxRetries: 0 };
    return { client: new AzureOpenAI(options), exampleJobId };
  }

  it('lists every job, event and checkpoint by auto-paging', async () => {
    const { client, exampleJobId } = await openAzureClient();
    const { jobs } = client.fineTuning;
    expect((await all(jobs.list({ limit: 9 }))).length).toBeGreaterThan(60);
    expect(await all(jobs.listEvents(exampleJobId, { limit: 7 }))).toHaveLength(30);
    expect(await all(jobs.checkpoints.list(exampleJobId, { limit: 1 }))).toHaveLength(3);
  });

  it('reads files, contents and models', async () => {
    const { client, exampleJobId } = await openAzureClient();
    const { result_files, fine_tuned_model } = await client.fineTuning.jobs.retrieve(exampleJobId);
    const [id = ''] = result_files;
    expect(await client.files.retrieve(id)).toMatchObject({ id, status: 'processed' });
    expect(await (await client.files.content(id)).text()).toMatch(/^step,train_loss/);
    expect(await client.models.retrieve(fine_tuned_model ?? '')).toMatchObject({ id: fine_tuned_model });
  });
});
