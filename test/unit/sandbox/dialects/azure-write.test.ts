import { describe, expect, it } from 'vitest';
import { lines, openWritable, UNTIL_RUNNING } from '../write.ts';

const open = (options = {}) => openWritable({ dialect: 'azure', ...options });

describe('a write in the dialect azure', () => {
  it('creates a file and a job with 201 and a Location', async () => {
    const { upload, create } = await open();
    const { status, headers, body } = await upload(lines(20));
    expect({ status, location: headers.get('location') }).toEqual({
      status: 201,
      location: `/openai/files/${body.id}`,
    });
    const job = await create({ training_file: body.id, hyperparameters: { n_epochs: -1, batch_size: 4 } });
    expect(job).toMatchObject({
      status: 201,
      body: { status: 'pending', organization_id: null, hyperparameters: { n_epochs: -1, batch_size: 4 } },
    });
  });

  it('accepts -1 for auto in hyperparameters only', async () => {
    const { uploaded, post } = await open();
    const grader = {
      type: 'score_model',
      name: 's',
      model: 'm',
      input: [],
      range: [-1, 1],
      sampling_params: { a: -1 },
    };
    const reinforcement = { grader, hyperparameters: { eval_samples: -1 } };
    const { id } = await uploaded();
    const method = { type: 'reinforcement', reinforcement };
    const path = '/fine_tuning/jobs?api-version=2025-04-01-preview&x=';
    const { body } = await post(path, { training_file: id, model: 'o4-mini', method, trainingType: 'Standard' });
    expect(body.method.reinforcement).toMatchObject({ grader, hyperparameters: { eval_samples: -1 } });
  });

  it('requires a shorter suffix, and from 2025 on a trainingType', async () => {
    const { uploaded, post, create } = await open();
    const { id: training_file } = await uploaded();
    expect((await create({ training_file, suffix: 'x'.repeat(40) })).status).toBe(201);
    for (const suffix of ['x'.repeat(41), 'a b'])
      expect((await create({ training_file, suffix })).body.error).toMatchObject({
        code: 'invalidPayload',
        target: 'suffix',
      });
    const path = '/fine_tuning/jobs?api-version=2025-04-01-preview&x=';
    const asked = { model: 'gpt-4o-mini', training_file };
    expect((await post(path, asked)).body.error.message).toMatch(/does not support fine-tuning/);
    expect((await post(path, { ...asked, trainingType: 1 })).status).toBe(201);
  });

  it('has its own error codes for an invalid status and an exceeded quota', async () => {
    const { created, create, control } = await open({ quota: { perDay: 1 } });
    const { id, training_file } = await created();
    expect(await control(id, 'resume')).toMatchObject({
      status: 400,
      body: { error: { code: 'unexpectedEntityState' } },
    });
    expect(await create({ training_file })).toMatchObject({ status: 429, body: { error: { code: 'quotaExceeded' } } });
  });

  it('deletes a job with a terminal status, with 204, and not its model', async () => {
    const { exampleJobId, job, send, created, jobs, getJson } = await open();
    const { fine_tuned_model } = await job(exampleJobId);
    const running = await created();
    expect((await send('DELETE', `/fine_tuning/jobs/${running.id}`)).body.error.code).toBe('unexpectedEntityState');
    expect(await send('DELETE', `/fine_tuning/jobs/${exampleJobId}`)).toMatchObject({ status: 204, body: null });
    expect((await send('GET', `/fine_tuning/jobs/${exampleJobId}`)).status).toBe(404);
    const ids = (await jobs('?limit=1000&api-version=2024-10-21')).map(({ id }) => id);
    expect(ids).toContain(running.id);
    expect(ids).not.toContain(exampleJobId);
    const { body } = await getJson('/models?api-version=2024-10-21');
    expect(JSON.stringify(body)).toContain(`"${fine_tuned_model}"`);
  });

  it('does not exist in the dialect openai, and the reverse', async () => {
    const openAi = await openWritable();
    const path = `/fine_tuning/jobs/${openAi.exampleJobId}`;
    expect((await openAi.send('DELETE', path)).status).toBe(405);
    const { send } = await open();
    expect((await send('GET', '/fine_tuning/checkpoints/x/permissions')).status).toBe(404);
  });

  it('pauses and resumes a job with the statuses of OpenAI', async () => {
    const { created, control, job, clock } = await open();
    const { id } = await created();
    clock.advance(UNTIL_RUNNING);
    expect((await control(id, 'pause')).body.status).toBe('pausing');
    clock.advance(10_000);
    expect((await control(id, 'resume')).body.status).toBe('resuming');
    clock.advance(10_000);
    expect((await job(id)).status).toBe('running');
  });
});
