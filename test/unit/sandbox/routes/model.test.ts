import { describe, expect, it } from 'vitest';
import { readModel } from '../../../../src/upstream/resources/model.ts';
import { openSandbox } from '../open.ts';

interface WireModel {
  readonly id: string;
  readonly owned_by: string;
  readonly shutdown_date: string | null;
}

describe('GET /models', () => {
  it('has a list of one page', async () => {
    const { body } = await (await openSandbox()).ask('/models');
    expect(Object.keys(body)).toEqual(['object', 'data']);
    for (const model of body.data) {
      expect(Object.keys(model).sort()).toEqual(['created', 'id', 'object', 'owned_by', 'shutdown_date']);
      expect(readModel(model).created).toBeGreaterThan(1.6e9);
    }
  });

  it('has the base models of all jobs but the oldest', async () => {
    const { list, jobs } = await openSandbox();
    const known = new Set((await list<WireModel>('/models')).map(({ id }) => id));
    const missing = new Set((await jobs()).map(({ model }) => model).filter((model) => !known.has(model)));
    expect([...missing]).toEqual(['gpt-3.5-turbo-0125']);
  });

  it('has models that will shut down, that have, and that nobody knows of', async () => {
    const { list, clock } = await openSandbox();
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const dates = (await list<WireModel>('/models')).map((model) => model.shutdown_date);
    expect(dates.filter((date) => date === null).length).toBeGreaterThan(dates.length / 2);
    expect(dates.some((date) => date !== null && date > today)).toBe(true);
    expect(dates.some((date) => date !== null && date < today)).toBe(true);
  });

  it('has the models of every job that succeeded, owned by the organisation', async () => {
    const { list, jobs } = await openSandbox();
    const models = new Map((await list<WireModel>('/models')).map((model) => [model.id, model]));
    for (const { status, fine_tuned_model } of await jobs()) {
      if (status !== 'succeeded') continue;
      expect(models.get(fine_tuned_model ?? '')?.owned_by).toMatch(/^org-/);
    }
  });

  it('has the checkpoints of jobs too, and each name once', async () => {
    const { list } = await openSandbox();
    const ids = (await list<WireModel>('/models')).map(({ id }) => id);
    expect(ids.filter((id) => id.includes(':ckpt-step-')).length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('gets the model of a job when the job succeeds', async () => {
    const { jobs, list, ask, clock } = await openSandbox();
    const before = new Set((await list<WireModel>('/models')).map(({ id }) => id));
    const running = (await jobs()).filter(({ status }) => status === 'running').map(({ id }) => id);
    clock.advance(300_000);
    const ended = (await jobs()).filter(({ id, status }) => running.includes(id) && status === 'succeeded');
    expect(ended.length).toBeGreaterThan(0);
    for (const { fine_tuned_model } of ended) {
      expect(before.has(fine_tuned_model ?? '')).toBe(false);
      expect((await ask(`/models/${encodeURIComponent(fine_tuned_model ?? '')}`)).status).toBe(200);
    }
  });
});

describe('GET /models/{id}', () => {
  it('gives a model by its encoded name, and by the bare one', async () => {
    const { list, ask } = await openSandbox();
    const tuned = (await list<WireModel>('/models')).find(({ id }) => id.startsWith('ft:'));
    expect((await ask(`/models/${encodeURIComponent(tuned?.id ?? '')}`)).body).toEqual(tuned);
    expect((await ask(`/models/${tuned?.id}`)).body).toEqual(tuned);
  });

  it('has the recorded body for an unknown model', async () => {
    expect(await (await openSandbox()).ask('/models/gpt-3.5-turbo-0125')).toEqual({
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
