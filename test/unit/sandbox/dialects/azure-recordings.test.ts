import { describe, expect, it } from 'vitest';
import type { WireFile, WireJob } from '../open.ts';
import { lines, openWritable } from '../write.ts';

// The dialect azure sends what Azure's specification and recordings have (docs/upstream.md: Azure).

const OLD = 'api-version=2024-10-21';
const NEW = 'api-version=2025-04-01-preview';
const open = async () => {
  const sandbox = await openWritable({ dialect: 'azure' });
  const body = async (path: string) => (await sandbox.getJson(path)).body;
  return { ...sandbox, body };
};

describe('the dialect azure, compared with recordings,', () => {
  it('has created_at, capabilities, a life cycle and the dates of deprecation in a model', async () => {
    const { body } = await open();
    const { data } = await body(`/models?${OLD}`);
    const byId = new Map<string, Record<string, unknown>>(data.map((model: { id: string }) => [model.id, model]));
    expect(byId.get('o4-mini-2025-04-16')).toEqual({
      status: 'succeeded',
      capabilities: { fine_tune: true, inference: true, completion: false, chat_completion: true, embeddings: false },
      lifecycle_status: 'generally-available',
      deprecation: { fine_tune: Date.UTC(2027, 3, 16) / 1000, inference: Date.UTC(2027, 3, 16) / 1000 },
      id: 'o4-mini-2025-04-16',
      created_at: 1744133506,
      object: 'model',
    });
    expect(byId.get('gpt-4.5-preview-2025-02-27')).toMatchObject({ lifecycle_status: 'preview' });
    for (const model of data) {
      for (const name of ['created', 'owned_by', 'shutdown_date']) expect(model).not.toHaveProperty(name);
      expect(model.deprecation.inference).toBeGreaterThan(model.created_at);
    }
  });

  it('names the base model and the job of a fine-tuned model, which has only a date of inference', async () => {
    const { body, exampleJobId, job } = await open();
    const { fine_tuned_model, model } = await job(exampleJobId);
    const tuned = await body(`/models/${fine_tuned_model}?${OLD}`);
    expect(Object.keys(tuned)).toEqual(
      'status model fine_tune capabilities lifecycle_status deprecation id created_at object'.split(' '),
    );
    expect(tuned).toMatchObject({
      model,
      fine_tune: exampleJobId,
      capabilities: { fine_tune: false, inference: true },
      created_at: expect.any(Number),
    });
    expect(Object.keys(tuned.deprecation)).toEqual(['inference']);
  });

  it('ignores limit, after and order of files in 2024-10-21, and has only object and data in the list', async () => {
    const { body } = await open();
    const whole = await body(`/files?${OLD}`);
    expect(Object.keys(whole)).toEqual(['object', 'data']);
    const ids = (list: { data: WireFile[] }) => list.data.map(({ id }) => id);
    expect(ids(whole).length).toBeGreaterThan(50);
    for (const query of ['limit=2', `after=${ids(whole)[1]}`, 'order=asc', 'limit=0', 'after=unknown'])
      expect(await body(`/files?${query}&${OLD}`)).toEqual(whole);
    expect(await body(`/files?purpose=vision&${OLD}`)).toEqual({ object: 'list', data: [] });
    const results = await body(`/files?purpose=fine-tune-results&${OLD}`);
    expect(new Set(results.data.map(({ purpose }: WireFile) => purpose))).toEqual(new Set(['fine-tune-results']));
  });

  it('has pages of files in later versions', async () => {
    const { body } = await open();
    const [first, second] = [await body(`/files?limit=1&${NEW}`), await body(`/files?limit=2&${NEW}`)];
    expect(Object.keys(first)).toEqual(['object', 'data', 'has_more']);
    expect(await body(`/files?limit=1&after=${first.data[0].id}&${NEW}`)).toMatchObject({ data: [second.data[1]] });
  });

  it('reads hyperparameters only where 2024-10-21 has them, and ignores method', async () => {
    const { uploaded, create, job } = await open();
    const { id: training_file } = await uploaded(lines(20));
    const supervised = { type: 'supervised', supervised: { hyperparameters: { n_epochs: 7 } } };
    const { status, body: ignored } = await create({ training_file, method: supervised });
    expect(status).toBe(201);
    expect(ignored.hyperparameters.n_epochs).toBe(-1);
    expect(ignored).not.toHaveProperty('method');
    const { body: read } = await create({ training_file, hyperparameters: { n_epochs: 7 }, method: { type: 'dpo' } });
    expect(read.hyperparameters).toEqual({ n_epochs: 7, batch_size: -1, learning_rate_multiplier: -1 });
    expect(await job(read.id)).not.toHaveProperty('method');
  });

  it('reads and has a method in later versions', async () => {
    const { uploaded, post } = await open();
    const { id: training_file } = await uploaded(lines(20));
    const method = { type: 'supervised', supervised: { hyperparameters: { n_epochs: 7 } } };
    const request = { model: 'gpt-4o-mini', training_file, method, trainingType: 'GlobalStandard' };
    const { body } = await post(`/fine_tuning/jobs?${NEW}&x=`, request);
    expect(body).toMatchObject({
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 7, batch_size: -1 } } },
      trainingType: 'GlobalStandard',
    });
  });

  it('has estimated_finish and trainingType in a job of every status, and no updated_at', async () => {
    const { jobs } = await open();
    for (const job of await jobs(`?limit=1000&${OLD}`)) {
      expect(job).toMatchObject({ estimated_finish: expect.any(Number), trainingType: 'Standard' });
      expect(Object(job).estimated_finish).toBeGreaterThan(job.created_at);
      expect(job).not.toHaveProperty('updated_at');
    }
  });

  it('has hyperparameters in every job of 2024-10-21, whatever its method', async () => {
    const { jobs } = await open();
    const [old, later]: WireJob[][] = [await jobs(`?limit=1000&${OLD}`), await jobs(`?limit=1000&${NEW}`)];
    for (const { hyperparameters } of old ?? [])
      expect(hyperparameters).toMatchObject({ n_epochs: expect.any(Number) });
    const types = new Set(later?.map(({ method }) => method.type));
    expect([...types].sort()).toEqual(['dpo', 'reinforcement', 'supervised']);
  });

  it('has no moderation in the log', async () => {
    const { events, exampleJobId } = await open();
    const log = await events(exampleJobId);
    expect(log.filter(({ type, message }) => type === 'moderation_checks' || /polic/i.test(message))).toEqual([]);
  });
});
