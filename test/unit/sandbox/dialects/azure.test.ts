import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../../src/upstream/resources/checkpoint.ts';
import { readEvent } from '../../../../src/upstream/resources/event.ts';
import { readJob } from '../../../../src/upstream/resources/job.ts';
import { hyperparametersOf } from '../../../../src/upstream/resources/job-parts.ts';
import { openSandbox, type WireEvent, type WireFile, type WireJob } from '../open.ts';

const VERSION = 'api-version=2024-10-21';

/** Opens a sandbox in each dialect, with the same jobs. `text` returns the unparsed body of a GET to Azure. */
async function openAzure({ apiKey }: { apiKey?: string } = {}) {
  const azure = await openSandbox({ dialect: 'azure', apiKey });
  const openAi = await openSandbox();
  const text = async (path: string) => {
    const separator = path.includes('?') ? '&' : '?';
    return (await azure.get(`${path}${separator}${VERSION}`)).text();
  };
  // The assertions of the test check the shape.
  const list = async <T>(path: string) => (JSON.parse(await text(path)) as { data: T[] }).data;
  const one = async <T>(path: string) => JSON.parse(await text(path)) as T;
  const example = `/fine_tuning/jobs/${azure.exampleJobId}`;
  return { ...azure, openAi, text, list, one, example };
}

describe('a sandbox in the dialect azure', () => {
  it('has the base path /openai', async () => {
    const { baseUrl } = await openAzure();
    expect(baseUrl.pathname).toBe('/openai');
  });

  it('returns 404 without an api-version', async () => {
    const { getJson } = await openAzure();
    for (const path of ['/fine_tuning/jobs', '/fine_tuning/jobs?api-version='])
      expect(await getJson(path)).toEqual({
        status: 404,
        body: { error: { code: '404', message: 'Resource not found' } },
      });
  });

  it.each(['/x', '/v1/fine_tuning/jobs', '/fine_tuning/jobs/a/b'])(
    'returns the 404 of its router for %s',
    async (path) => {
      const { getJson } = await openAzure();
      expect(await getJson(`${path}?${VERSION}`)).toEqual({
        status: 404,
        body: { error: { code: '404', message: 'Resource not found' } },
      });
    },
  );

  it('names the path of the client in a 405', async () => {
    const { get } = await openAzure();
    const response = await get(`/fine_tuning/jobs?${VERSION}`, { method: 'PUT', headers: { 'api-key': 'any' } });
    expect(await response.json()).toMatchObject({
      error: { message: 'Not allowed to PUT on /openai/fine_tuning/jobs.' },
    });
  });

  it('returns 404 below the base path of OpenAI', async () => {
    const { baseUrl } = await openAzure();
    const url = new URL(`/v1/fine_tuning/jobs?${VERSION}`, baseUrl);
    expect((await fetch(url, { headers: { 'api-key': 'any' } })).status).toBe(404);
  });

  it('accepts the key in api-key or as a bearer token', async () => {
    const apiKey = randomUUID();
    const { get } = await openAzure({ apiKey });
    const status = async (headers: Record<string, string>) => (await get(`/models?${VERSION}`, { headers })).status;
    expect(await status({ 'api-key': apiKey })).toBe(200);
    expect(await status({ authorization: `Bearer ${apiKey}` })).toBe(200);
    expect(await status({ 'api-key': randomUUID() })).toBe(401);
    expect(await status({})).toBe(401);
  });

  it('has the same jobs in the same order', async () => {
    const { list, openAi } = await openAzure();
    const ids = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).map(({ id }) => id);
    expect(ids).toEqual((await openAi.jobs()).map(({ id }) => id));
  });

  it('has its own headers, and none of OpenAI', async () => {
    const { get } = await openAzure();
    const { headers } = await get(`/models?${VERSION}`);
    expect(headers.get('apim-request-id')).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect([...headers.keys()].filter((name) => name.startsWith('openai-'))).toEqual([]);
  });

  it('has its own error codes, and no error type', async () => {
    const { one } = await openAzure();
    expect(await one('/fine_tuning/jobs/ftjob-unknown')).toEqual({
      error: { code: 'notFound', message: 'Could not find fine tune: ftjob-unknown', target: 'fine_tune_id' },
    });
    expect(await one('/fine_tuning/jobs?limit=0')).toMatchObject({
      error: { code: 'invalidPayload', target: 'limit' },
    });
  });
});

describe('a job in the dialect azure', () => {
  it('is canceling while it is cancelled in the dialect openai, with the same event in both', async () => {
    const { list, openAi } = await openAzure();
    const canceling = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).find(
      ({ status }) => status === 'canceling',
    );
    const path = `/fine_tuning/jobs/${canceling?.id}`;
    expect(await openAi.getJson(path)).toMatchObject({ status: 200, body: { id: canceling?.id, status: 'cancelled' } });
    const logs = [await list<WireEvent>(`${path}/events`), await openAi.list<WireEvent>(`${path}/events`)];
    for (const [last] of logs) expect(last?.message).toBe('Fine tuning process stopping due to job cancellation');
  });

  it('has the statuses pending, notRunning and canceling', async () => {
    const { list } = await openAzure();
    const statuses = new Set((await list<WireJob>('/fine_tuning/jobs?limit=1000')).map(({ status }) => status));
    expect([...statuses].sort()).toEqual(
      'canceling cancelled failed notRunning paused pausing pending resuming running succeeded'.split(' '),
    );
  });

  it('has -1 for auto', async () => {
    const { text, list } = await openAzure();
    const queued = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).find(({ status }) => status === 'notRunning');
    expect(Object.values(queued?.hyperparameters ?? {})).toContain(-1);
    expect(Object.values(hyperparametersOf(readJob(queued)) ?? {})).toContain('auto');
    expect(await text('/fine_tuning/jobs?limit=1000')).not.toContain('"auto"');
  });

  it('has null for absent lists and the organization', async () => {
    const { list } = await openAzure();
    for (const job of await list<WireJob>('/fine_tuning/jobs?limit=1000')) {
      expect(job).toMatchObject({ organization_id: null, integrations: null });
      if (job.status === 'succeeded') expect(job.result_files).toHaveLength(1);
      else expect(job.result_files).toBeNull();
    }
  });

  it('omits members without a value', async () => {
    const { list } = await openAzure();
    const running = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).find(({ status }) => status === 'running');
    for (const name of ['error', 'finished_at', 'fine_tuned_model', 'trained_tokens', 'eval_id'])
      expect(running).not.toHaveProperty(name);
  });

  it('has the error codes of Azure', async () => {
    const { list } = await openAzure();
    const failed = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).filter(({ status }) => status === 'failed');
    const codes = new Set(failed.map(({ error }) => error.code));
    expect([...codes].sort()).toEqual(['fileImportFailed', 'jsonlValidationFailed']);
  });

  it('has a model name of base model and hash', async () => {
    const { one, example, text } = await openAzure();
    const { fine_tuned_model } = await one<WireJob>(example);
    expect(fine_tuned_model).toMatch(/^gpt-4\.1-mini-2025-04-14\.ft-[\da-f]{32}$/);
    expect(JSON.parse(await text(`/models/${fine_tuned_model}`))).toMatchObject({ id: fine_tuned_model });
  });

  it('can be read by the gateway', async () => {
    const { list } = await openAzure();
    for (const job of await list<WireJob>('/fine_tuning/jobs?limit=1000')) expect(readJob(job).id).toBe(job.id);
  });
});

describe('the events of a job in the dialect azure', () => {
  it('have other messages at the start and the end', async () => {
    const { list, one, example } = await openAzure();
    const job = await one<WireJob>(example);
    const messages = (await list<WireEvent>(`${example}/events?limit=1000`)).map(({ message }) => message).reverse();
    expect(messages.slice(0, 2)).toEqual(['Job enqueued. Waiting for jobs ahead to complete.', 'Job started.']);
    expect(messages.slice(-4)).toEqual([
      'Job succeeded.',
      'Postprocessing started.',
      `Completed results file: ${job.result_files[0]}`,
      expect.stringMatching(/^Training hours billed: 0\.\d{3}$/),
    ]);
  });

  it('have every tenth step, without a total, with metrics of the whole validation file', async () => {
    const { list, example } = await openAzure();
    const steps = (await list<WireEvent>(`${example}/events?limit=1000`)).filter(({ type }) => type === 'metrics');
    expect(steps).toHaveLength(24);
    for (const { message, data } of steps) {
      expect(message).toBe(`Step ${data?.['step']}: training loss=${data?.['train_loss']}`);
      expect(Number(data?.['step']) % 10).toBe(0);
      expect(data).toMatchObject({ full_valid_loss: expect.any(Number) });
      expect(data).not.toHaveProperty('total_steps');
    }
  });

  it('have data only when they are metrics', async () => {
    const { list, example } = await openAzure();
    for (const event of await list<WireEvent>(`${example}/events?limit=1000`))
      expect('data' in event).toBe(event.type === 'metrics');
  });

  it('have the level "warning"', async () => {
    const { list } = await openAzure();
    const job = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).find(({ status }) => status === 'cancelled');
    const [last] = await list<WireEvent>(`/fine_tuning/jobs/${job?.id}/events`);
    expect(last?.level).toBe('warning');
    expect(last).not.toHaveProperty('data');
  });

  it('have the rewards of a reinforcement job without a total', async () => {
    const { list } = await openAzure();
    const job = (await list<WireJob>('/fine_tuning/jobs?limit=1000')).find(
      ({ status, model }) => status === 'succeeded' && model.startsWith('o4'),
    );
    const steps = (await list<WireEvent>(`/fine_tuning/jobs/${job?.id}/events?limit=1000`)).filter(
      ({ type }) => type === 'metrics',
    );
    expect(steps.length).toBeGreaterThan(0);
    for (const { message } of steps) expect(message).toMatch(/^Step \d+0 , train mean reward=/);
  });

  it('are returned once each over all pages', async () => {
    const { list, example } = await openAzure();
    const ids = async (query: string) =>
      (await list<WireEvent>(`${example}/events?${query}`)).map((event) => readEvent(event).id);
    const pages = await ids('limit=3');
    while (pages.length < 40) {
      const next = await ids(`limit=3&after=${pages.at(-1)}`);
      if (next.length === 0) break;
      pages.push(...next);
    }
    expect(pages).toEqual(await ids('limit=1000'));
    expect(new Set(pages).size).toBe(pages.length);
  });
});

describe('the checkpoints of a job in the dialect azure', () => {
  it('have step numbers with a decimal point', async () => {
    const { text, example } = await openAzure();
    const body = await text(`${example}/checkpoints`);
    expect(body).toContain('"step_number":240.0,"metrics":{"step":240.0,');
    expect(JSON.parse(body).data.map((checkpoint: unknown) => readCheckpoint(checkpoint).step_number)).toEqual([
      240, 160, 80,
    ]);
  });

  it('have a list envelope without first_id and last_id', async () => {
    const { one, example } = await openAzure();
    expect(Object.keys(await one<object>(`${example}/checkpoints`))).toEqual(['object', 'data', 'has_more']);
  });

  it('have the hash of the job in the model name', async () => {
    const { one, list, example } = await openAzure();
    const { fine_tuned_model } = await one<WireJob>(example);
    const checkpoints = await list<{ fine_tuned_model_checkpoint: string }>(`${example}/checkpoints`);
    expect(checkpoints.map((checkpoint) => checkpoint.fine_tuned_model_checkpoint)).toEqual([
      fine_tuned_model,
      `${fine_tuned_model}:ckpt-step-160`,
      `${fine_tuned_model}:ckpt-step-80`,
    ]);
  });

  it('have ids of another form, which are valid cursors', async () => {
    const { list, example } = await openAzure();
    const ids = async (query: string) =>
      (await list<{ id: string }>(`${example}/checkpoints${query}`)).map(({ id }) => id);
    const [first, ...rest] = await ids('');
    expect(first).toMatch(/^ftchkpt-\w{24}$/);
    expect(await ids(`?after=${first}`)).toEqual(rest);
  });
});

describe('a file in the dialect azure', () => {
  it('has results as CSV, with -1 for missing values', async () => {
    const { one, text, example } = await openAzure();
    const job = await one<WireJob>(example);
    const rows = (await text(`/files/${job.result_files[0]}/content`)).trimEnd().split('\n');
    expect(rows[0]).toMatch(/^step,train_loss/);
    expect(rows[9]).toMatch(/^9,[\d.]+,[\d.]+,-1,-1,-1,-1$/);
    expect(rows).toHaveLength(241);
    expect(rows.some((row) => row.includes(',,'))).toBe(false);
  });

  it('has results with the values of the events', async () => {
    const { one, list, text, example } = await openAzure();
    const job = await one<WireJob>(example);
    const [header = '', ...rows] = (await text(`/files/${job.result_files[0]}/content`)).trimEnd().split('\n');
    const cells = new Map(rows.map((row) => [Number(row.split(',')[0]), row.split(',').map(Number)]));
    for (const { type, data } of await list<WireEvent>(`${example}/events?limit=1000`)) {
      if (type !== 'metrics') continue;
      const rounded = header.split(',').map((name) => Number(Number(data?.[name]).toFixed(5)));
      expect(cells.get(Number(data?.['step']))).toEqual(rounded);
    }
  });

  it('has the size of its content', async () => {
    const { list, text } = await openAzure();
    for (const { id, bytes } of await list<WireFile>('/files?purpose=fine-tune-results'))
      expect(Buffer.byteLength(await text(`/files/${id}/content`))).toBe(bytes);
  });

  it('is pending, then running, then processed', async () => {
    const { list, one, clock } = await openAzure();
    const seen = new Set<string>();
    for (let second = 0; second < 300; second += 1) {
      clock.advance(1000);
      const [newest] = await list<WireFile>('/files?limit=1');
      seen.add((await one<WireFile>(`/files/${newest?.id}`)).status);
    }
    expect([...seen].sort()).toEqual(['pending', 'processed', 'running']);
  });
});
