import { describe, expect, it } from 'vitest';
import { openWritable } from '../write.ts';

const ADMIN = { authorization: 'Bearer the-admin' };

/** Opens a sandbox with functions for the permissions of a checkpoint. */
async function openPermissions() {
  const sandbox = await openWritable();
  const [, checkpoint] = await sandbox.checkpoints(sandbox.exampleJobId);
  const model = checkpoint?.fine_tuned_model_checkpoint ?? '';
  const path = `/fine_tuning/checkpoints/${encodeURIComponent(model)}/permissions`;
  return {
    ...sandbox,
    path,
    create: (...project_ids: string[]) => sandbox.post(path, { project_ids }, ADMIN),
    read: async (query = '') => (await sandbox.send('GET', path + query, undefined, ADMIN)).body,
  };
}

describe('permissions of a checkpoint', () => {
  it('are created as a list, listed in both orders, by page and by project, and deleted', async () => {
    const { create, read, send, path } = await openPermissions();
    const { status, body } = await create('proj_a', 'proj_b', 'proj_c');
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'list', has_more: false, data: { length: 3 } });
    const [a, b, c] = body.data;
    expect(a).toEqual({
      object: 'checkpoint.permission',
      id: expect.stringMatching(/^cp_\w{24}$/),
      created_at: expect.any(Number),
      project_id: 'proj_a',
    });
    expect(await read()).toEqual({ object: 'list', data: [c, b, a], first_id: c.id, last_id: a.id, has_more: false });
    expect((await read('?order=ascending&limit=2')).data).toEqual([a, b]);
    expect((await read(`?limit=1&after=${c.id}`)).data).toEqual([b]);
    expect((await read('?project_id=proj_b')).data).toEqual([b]);
    const removal = await send('DELETE', `${path}/${b.id}`, undefined, ADMIN);
    expect(removal.body).toEqual({ object: 'checkpoint.permission', id: b.id, deleted: true });
    expect((await read()).data).toEqual([c, a]);
    expect((await send('DELETE', `${path}/${b.id}`, undefined, ADMIN)).status).toBe(404);
  });

  it('have pages of ten by default, and are unique by project', async () => {
    const { create, read } = await openPermissions();
    const { body } = await create(...Array.from({ length: 11 }, (_, index) => `proj_${index}`), 'proj_0');
    expect(body.data).toHaveLength(11);
    expect(await read()).toMatchObject({ data: { length: 10 }, has_more: true });
    expect((await create('proj_0')).body.data).toEqual([body.data[0]]);
    expect((await read('?limit=100')).data).toHaveLength(11);
  });

  it('require the admin key: 401 without a key, 403 with an API key', async () => {
    const { send, post, path } = await openPermissions();
    expect((await send('GET', path, undefined, { authorization: '' })).status).toBe(401);
    for (const response of [
      await send('GET', path),
      await post(path, { project_ids: ['a'] }),
      await send('DELETE', `${path}/x`),
    ])
      expect(response).toMatchObject({
        status: 403,
        body: { error: { message: expect.stringMatching(/permissions/) } },
      });
  });

  it('return 401 for an incorrect key, and the admin key is valid here only', async () => {
    const { send } = await openWritable({ apiKey: 'the-one' });
    const path = '/fine_tuning/checkpoints/x/permissions';
    const status = async (key: string) =>
      (await send('GET', path, undefined, { authorization: `Bearer ${key}` })).status;
    expect([await status('another'), await status('the-one'), await status('the-admin')]).toEqual([401, 403, 404]);
    expect((await send('GET', '/models', undefined, ADMIN)).status).toBe(401);
  });

  it.each([
    ['an unknown member', { project_ids: ['a'], color: 1 }, 'color'],
    ['no projects', {}, 'project_ids'],
    ['a project that is not a string', { project_ids: [1] }, 'project_ids[0]'],
  ])('reject a body with %s', async (_, body, param) => {
    const { post, path, read } = await openPermissions();
    expect(await post(path, body, ADMIN)).toMatchObject({ status: 400, body: { error: { param } } });
    expect((await read()).data).toEqual([]);
  });

  it('reject an invalid order, and a model that is not fine-tuned', async () => {
    const { read, send } = await openPermissions();
    expect((await read('?order=desc')).error).toMatchObject({ param: 'order', code: 'invalid_value' });
    for (const model of ['unknown', 'gpt-4.1-2025-04-14'])
      expect((await send('GET', `/fine_tuning/checkpoints/${model}/permissions`, undefined, ADMIN)).status).toBe(404);
  });
});

describe('DELETE /models/{id}', () => {
  it('removes the model from the list, and not from its job', async () => {
    const { exampleJobId, job, send, getJson } = await openWritable();
    const { fine_tuned_model: model } = await job(exampleJobId);
    const { status, body } = await send('DELETE', `/models/${model}`);
    expect({ status, body }).toEqual({ status: 200, body: { object: 'model', id: model, deleted: true } });
    expect((await send('DELETE', `/models/${model}`)).body.error.message).toBe(`The model '${model}' does not exist`);
    expect(JSON.stringify((await getJson('/models')).body)).not.toContain(`"${model}"`);
    expect((await job(exampleJobId)).fine_tuned_model).toBe(model);
  });

  it('rejects the deletion of a base model', async () => {
    const { send } = await openWritable();
    expect((await send('DELETE', '/models/gpt-4.1-2025-04-14')).status).toBe(403);
    expect((await send('GET', '/models/gpt-4.1-2025-04-14')).status).toBe(200);
  });
});
