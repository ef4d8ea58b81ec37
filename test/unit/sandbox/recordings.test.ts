import { describe, expect, it } from 'vitest';
import { openSandbox, type WireEvent } from './open.ts';
import { openWritable, UNTIL_RUNNING } from './write.ts';

// The sandbox sends what recordings of OpenAI's API have, member by member (docs/upstream.md: Objects, Event log, Errors).

const AUTHORIZED = { headers: { authorization: 'Bearer any' }, redirect: 'manual' } as const;
const keys = (body: unknown) => Object.keys(Object(body));

describe('the sandbox, compared with recordings,', () => {
  it('logs the moderation of a new model between its creation and the completion of the job', async () => {
    const { list, exampleJobId, getJson } = await openSandbox();
    const { fine_tuned_model } = (await getJson(`/fine_tuning/jobs/${exampleJobId}`)).body;
    const events = await list<WireEvent>(`/fine_tuning/jobs/${exampleJobId}/events?limit=5`);
    expect(events.map(({ message }) => message)).toEqual([
      'The job has successfully completed',
      'Usage policy evaluations completed, model is now enabled for sampling',
      `Moderation checks for snapshot ${fine_tuned_model} passed.`,
      'Evaluating model against our usage policies',
      'New fine-tuned model created',
    ]);
    expect(events.map(({ type }) => type)).toEqual(['message', 'message', 'moderation_checks', 'message', 'message']);
    expect(keys(events[2]?.data)).toEqual(['blocked', 'results', 'finetuned_model_checkpoint_id']);
    expect(events[2]?.data).toMatchObject({ blocked: false, finetuned_model_checkpoint_id: fine_tuned_model });
    expect(events[2]?.data?.['results']).toContainEqual({
      flagged: false,
      category: 'violence',
      enforcement: 'blocking',
    });
  });

  it('names the running and the pending jobs in the 429 of too many jobs', async () => {
    const { uploaded, create, clock } = await openWritable({ quota: { concurrent: 3 } });
    const { id: training_file } = await uploaded();
    for (const _ of [1, 2]) await create({ training_file });
    clock.advance(UNTIL_RUNNING);
    await create({ training_file });
    expect(await create({ training_file })).toMatchObject({
      status: 429,
      body: {
        error: {
          message:
            "This fine-tune request has been rate-limited. Your organization has reached the maximum of 3 active requests (2 running, 1 pending) for the model 'gpt-4o-mini-2024-07-18'.",
          type: 'invalid_request_error',
          param: null,
          code: 'rate_limit_exceeded',
        },
      },
    });
  });

  it('refuses to cancel a job that has ended with its status and without param and code', async () => {
    const { control, exampleJobId } = await openWritable();
    expect(await control(exampleJobId, 'cancel')).toMatchObject({
      status: 400,
      body: {
        error: {
          message: `Cannot cancel a job ${exampleJobId} that already has status "succeeded".`,
          type: 'invalid_request_error',
          param: null,
          code: null,
        },
      },
    });
  });

  it('has four members in a model, and shutdown_date behind them only when the model retires', async () => {
    const { list } = await openSandbox();
    const models = await list<{ id: string }>('/models');
    const distinct = new Set(models.map((model) => keys(model).join()));
    expect([...distinct].sort()).toEqual(['id,object,created,owned_by', 'id,object,created,owned_by,shutdown_date']);
  });

  it('has the hyperparameters of a job behind its training file, and its method at the end', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    const names = keys((await getJson(`/fine_tuning/jobs/${exampleJobId}`)).body);
    const position = names.indexOf('training_file');
    expect(names.slice(position, position + 4)).toEqual([
      'training_file',
      'hyperparameters',
      'trained_tokens',
      'error',
    ]);
    expect(names.slice(-2)).toEqual(['eval_id', 'method']);
  });

  it('has the type of an event at the end', async () => {
    const { list, exampleJobId } = await openSandbox();
    for (const event of await list<WireEvent>(`/fine_tuning/jobs/${exampleJobId}/events?limit=1000`))
      expect(keys(event)).toEqual(['object', 'id', 'created_at', 'level', 'message', 'data', 'type']);
  });

  it('has the step of a checkpoint at the end, and first_id and last_id at the end of the list', async () => {
    const { getJson, exampleJobId } = await openSandbox();
    const { body } = await getJson(`/fine_tuning/jobs/${exampleJobId}/checkpoints`);
    expect(keys(body)).toEqual(['object', 'data', 'has_more', 'first_id', 'last_id']);
    expect(keys(body.data[0]).slice(-2)).toEqual(['metrics', 'step_number']);
  });

  it('has first_id and last_id at the end of a list of files', async () => {
    const { getJson } = await openSandbox();
    expect(keys((await getJson('/files')).body)).toEqual(['object', 'data', 'has_more', 'first_id', 'last_id']);
  });

  it('has the id at the end of the deletion of a file', async () => {
    const { uploaded, send } = await openWritable();
    const { id } = await uploaded();
    const { body } = await send('DELETE', `/files/${id}`);
    expect(JSON.stringify(body)).toBe(`{"object":"file","deleted":true,"id":"${id}"}`);
  });

  it('has code, param and message in the error of a job, in this order', async () => {
    const { jobs } = await openSandbox();
    const failed = (await jobs()).filter(({ status }) => status === 'failed');
    expect(failed.length).toBeGreaterThan(3);
    for (const { error } of failed) expect(keys(error)).toEqual(['code', 'param', 'message']);
  });

  it('has the hyperparameters of a new job in alphabetical order, and the epochs first when it is read later', async () => {
    const { created, job } = await openWritable();
    const body = await created();
    const namesOf = (method: unknown) => keys(Object(method).supervised.hyperparameters);
    expect(namesOf(body.method)).toEqual(['batch_size', 'learning_rate_multiplier', 'n_epochs']);
    const later = await job(body.id);
    expect(namesOf(later.method)).toEqual(['n_epochs', 'batch_size', 'learning_rate_multiplier']);
    expect(later.method).toEqual(body.method);
  });

  it('lists the purposes in the order of the recorded sentence', async () => {
    const { upload, getJson } = await openWritable();
    const { body } = await upload('{}', { purpose: 'x' });
    expect(body.error.message).toBe(
      "'x' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
    );
    expect((await getJson('/files?purpose=x')).body.error.message).toMatch(/'user_data', 'vision', 'evals'\]/);
  });

  it('redirects /fine_tuning/jobs/ with 307 to the path without the slash', async () => {
    const { get, baseUrl } = await openSandbox();
    for (const [path, location] of [
      ['/fine_tuning/jobs/', '/v1/fine_tuning/jobs'],
      ['/fine_tuning/jobs/?limit=2', '/v1/fine_tuning/jobs?limit=2'],
      ['/fine_tuning/jobs/ftjob-1/events/', '/v1/fine_tuning/jobs/ftjob-1/events'],
    ] as const) {
      const response = await get(path, AUTHORIZED);
      expect({ status: response.status, location: response.headers.get('location') }).toEqual({
        status: 307,
        location,
      });
      expect(await response.text()).toBe('');
    }
    const followed = await fetch(`${baseUrl}/fine_tuning/jobs/?limit=2`, { headers: AUTHORIZED.headers });
    expect(await followed.json()).toMatchObject({ data: { length: 2 } });
    expect((await get('/fine_tuning/jobs/', { redirect: 'manual' })).status).toBe(401);
  });

  it('merges slashes: /fine_tuning/jobs//events asks for a job named events', async () => {
    const { getJson } = await openSandbox();
    expect(await getJson('/fine_tuning/jobs//events')).toMatchObject({
      status: 404,
      body: { error: { message: 'Could not find fine tune: events', code: 'fine_tune_not_found' } },
    });
  });

  it('has all digits of a loss in events and checkpoints', async () => {
    const { list, exampleJobId } = await openSandbox();
    const path = `/fine_tuning/jobs/${exampleJobId}`;
    const events = await list<WireEvent>(`${path}/events?limit=1000`);
    const checkpoints = await list<{ step_number: number; metrics: Record<string, number> }>(`${path}/checkpoints`);
    const lossOf = new Map(events.map(({ data }) => [data?.['step'], data?.['train_loss']]));
    for (const { step_number, metrics } of checkpoints) expect(metrics['train_loss']).toBe(lossOf.get(step_number));
    const losses = [...lossOf.values()].filter((loss) => typeof loss === 'number');
    expect(losses).toHaveLength(240);
    for (const loss of losses) expect(loss).toBe(Math.fround(loss)); // As 0.7305774688720703.
    expect(losses.filter((loss) => String(loss).length > 12).length).toBeGreaterThan(200);
  });
});
