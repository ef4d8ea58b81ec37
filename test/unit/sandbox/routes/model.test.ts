import { describe, expect, it } from 'vitest';
import { readModel } from '../../../../src/upstream/resources/model.ts';
import { openSandbox } from '../open.ts';

interface WireModel {
  readonly id: string;
  readonly owned_by: string;
  readonly shutdown_date?: string;
}

describe('GET /models', () => {
  it('returns a list without pages', async () => {
    const { body } = await (await openSandbox()).getJson('/models');
    expect(Object.keys(body)).toEqual(['object', 'data']);
    for (const model of body.data) {
      expect(Object.keys(model).filter((name) => name !== 'shutdown_date')).toEqual([
        'id',
        'object',
        'created',
        'owned_by',
      ]);
      expect(readModel(model).created).toBeGreaterThan(1.6e9);
    }
  });

  it('has the base models of all jobs except a retired one', async () => {
    const { list, jobs } = await openSandbox();
    const ids = new Set((await list<WireModel>('/models')).map(({ id }) => id));
    const missing = new Set((await jobs()).map(({ model }) => model).filter((model) => !ids.has(model)));
    expect([...missing]).toEqual(['gpt-3.5-turbo-0125']);
  });

  it('has models with a future, a past and no shutdown date', async () => {
    const { list, clock } = await openSandbox();
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const dates = (await list<WireModel>('/models')).map((model) => model.shutdown_date);
    expect(dates.filter((date) => date === undefined).length).toBeGreaterThan(dates.length / 2);
    expect(dates.some((date) => date !== undefined && date > today)).toBe(true);
    expect(dates.some((date) => date !== undefined && date < today)).toBe(true);
  });

  it('has the models of all succeeded jobs, owned by the organization', async () => {
    const { list, jobs } = await openSandbox();
    const models = new Map((await list<WireModel>('/models')).map((model) => [model.id, model]));
    for (const { status, fine_tuned_model } of await jobs()) {
      if (status !== 'succeeded') continue;
      expect(models.get(fine_tuned_model ?? '')?.owned_by).toMatch(/^org-/);
    }
  });

  it('has the checkpoints of jobs, and each name once', async () => {
    const { list } = await openSandbox();
    const ids = (await list<WireModel>('/models')).map(({ id }) => id);
    expect(ids.filter((id) => id.includes(':ckpt-step-')).length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has the model of a job from the success on', async () => {
    const { jobs, list, getJson, clock } = await openSandbox();
    const before = new Set((await list<WireModel>('/models')).map(({ id }) => id));
    const running = (await jobs()).filter(({ status }) => status === 'running').map(({ id }) => id);
    clock.advance(300_000);
    const ended = (await jobs()).filter(({ id, status }) => running.includes(id) && status === 'succeeded');
    expect(ended.length).toBeGreaterThan(0);
    for (const { fine_tuned_model } of ended) {
      expect(before.has(fine_tuned_model ?? '')).toBe(false);
      expect((await getJson(`/models/${encodeURIComponent(fine_tuned_model ?? '')}`)).status).toBe(200);
    }
  });
});

describe('GET /models/{id}', () => {
  it('accepts the name with and without percent-encoding', async () => {
    const { list, getJson } = await openSandbox();
    const tuned = (await list<WireModel>('/models')).find(({ id }) => id.startsWith('ft:'));
    expect((await getJson(`/models/${encodeURIComponent(tuned?.id ?? '')}`)).body).toEqual(tuned);
    expect((await getJson(`/models/${tuned?.id}`)).body).toEqual(tuned);
  });

  it('has the recorded body for an unknown model', async () => {
    expect(await (await openSandbox()).getJson('/models/gpt-3.5-turbo-0125')).toEqual({
      status: 404,
      body: {
        error: {
          message: "The model 'gpt-3.5-turbo-0125' does not exist",
          type: 'invalid_request_error',
          param: 'model',
          code: 'model_not_found',
        },
      },
    });
  });
});
