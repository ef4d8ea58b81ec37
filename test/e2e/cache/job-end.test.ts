import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const BASE_MODEL = 'gpt-4.1-mini-2025-04-14';
const NEW_MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::new00001';
const JOB = '/fine_tuning/jobs/ftjob-1';

/** The job as a client reads it, with all data that its end adds. */
interface JobView {
  status: string;
  fineTunedModel: { id: string } | null;
  resultFiles: ({ id: string } | null)[];
  events: { edges: { node: { message: string } }[] };
  checkpoints: { edges: { node: { id: string; fineTunedModel: { id: string } | null } }[] };
  metrics: { totalPoints: number; points: { step: number; createdAt: number | null }[] };
}
const SELECTION = `status fineTunedModel { id } resultFiles { id } events(first: 3) { edges { node { message } } }
  checkpoints { edges { node { id fineTunedModel { id } } } } metrics { totalPoints points { step createdAt } }`;
const ALONE = `{ fineTuningJob(id: "ftjob-1") { ${SELECTION} } }`;
const LISTED = `{ fineTuningJobs { edges { node { id ${SELECTION} } } } }`;
/** A query of another client, which also causes the lists to be read. */
const LISTS = `{ models(first: 100) { edges { node { id } } } files(first: 100) { edges { node { id } } }
  fineTuningJobs { edges { node { model { id } fineTunedModel { id } trainingFile { id } } } } }`;

/** A job, other jobs, files and models of an upstream, where a test adds the effects of the job's end one by one. */
function createAccount({ upstream, seconds }: World) {
  const others = Array.from({ length: 5 }, (_, index) =>
    jobBody({ id: `ftjob-other-${index}`, training_file: `file-${index}`, model: `base-${index}` }),
  );
  let job = jobBody({ id: 'ftjob-1', status: 'running' });
  let events = [2, 1].map((step) => stepBody(step, 3));
  let checkpoints: { id: string }[] = [];
  let files = Array.from({ length: 6 }, (_, index) => fileBody(index === 5 ? 'file-training' : `file-${index}`));
  let models = [BASE_MODEL, ...others.map(({ model }) => String(model))].map((id) => modelBody(id));
  const script = () => {
    upstream.onJob(job);
    upstream.onJobs([job, ...others]);
    for (const { id } of others) {
      upstream.onEvents(id, []);
      upstream.onCheckpoints(id, []);
    }
    upstream.onEvents('ftjob-1', events);
    upstream.onCheckpoints('ftjob-1', checkpoints);
    upstream.onFiles(files);
    upstream.onModels(models);
  };
  const addEvent = (message: string) => {
    events = [eventBody(`ftevent-${message}`, { message, created_at: seconds() }), ...events];
    script();
  };
  script();
  return {
    end(members: Record<string, unknown> = {}) {
      job = { ...job, status: 'succeeded', finished_at: seconds(), fine_tuned_model: NEW_MODEL, ...members };
      events = [stepBody(3, 3), ...events];
      script();
    },
    addEvent,
    addFinalEvent: () => addEvent('The job has successfully completed'),
    addCheckpoint(id: string, members: Record<string, unknown> = {}) {
      checkpoints = [checkpointBody(id, members), ...checkpoints];
      script();
    },
    addModel(id: string) {
      models = [...models, modelBody(id)];
      script();
    },
    addResults() {
      files = [fileBody('file-result', { purpose: 'fine-tune-results' }), ...files];
      upstream.onContent('file-result', 'step,train_loss\n1,0.5\n2,0.4\n3,0.3\n4,0.2\n');
      script();
    },
  };
}

/** How a client reads the job: by its id, or in a list. */
const READS = [
  ['by its id', async (world: World) => (await world.ask<{ fineTuningJob: JobView }>(ALONE)).fineTuningJob],
  [
    'in a list',
    async (world: World) => {
      const { fineTuningJobs } = await world.ask<{
        fineTuningJobs: { edges: { node: JobView & { id: string } }[] };
      }>(LISTED);
      return fineTuningJobs.edges.find(({ node }) => node.id === 'ftjob-1')?.node;
    },
  ],
] as const;

const messagesOf = (job: JobView | undefined) => job?.events.edges.map(({ node }) => node.message);
const checkpointsOf = (job: JobView | undefined) => job?.checkpoints.edges.map(({ node }) => node.id);

describe('the end of a job that was read while it was active', () => {
  it.each(READS)('is complete at the first read after it, %s', async (_, readJob) => {
    await using world = await startWorld();
    const account = createAccount(world);
    await readJob(world);
    world.clock.advance(900);
    await world.ask(LISTS); // Lists without the effects of the end, which are still fresh after it.
    await world.ask(ALONE);
    world.clock.advance(100);
    account.end({ result_files: ['file-result'] });
    account.addResults();
    account.addModel(NEW_MODEL);
    account.addCheckpoint('ftckpt_1', { fine_tuned_model_checkpoint: NEW_MODEL });
    account.addEvent('New fine-tuned model created');
    account.addFinalEvent();
    world.clock.advance(900);
    const job = await readJob(world);
    expect(job).toMatchObject({
      status: 'SUCCEEDED',
      fineTunedModel: { id: NEW_MODEL },
      resultFiles: [{ id: 'file-result' }],
      checkpoints: { edges: [{ node: { id: 'ftckpt_1', fineTunedModel: { id: NEW_MODEL } } }] },
      metrics: { totalPoints: 4 },
    });
    expect(messagesOf(job)?.slice(0, 2)).toEqual([
      'The job has successfully completed',
      'New fine-tuned model created',
    ]);
  });

  it.each(READS)('shows each late effect at the next read, %s', async (_, readJob) => {
    await using world = await startWorld();
    const account = createAccount(world);
    const next = (seconds: number) => {
      world.clock.advance(seconds * 1000);
      return readJob(world);
    };
    await world.ask(LISTS);
    await readJob(world);
    account.end({ result_files: ['file-result'] });
    expect(await next(1)).toMatchObject({
      status: 'SUCCEEDED',
      fineTunedModel: null,
      resultFiles: [null],
      metrics: { totalPoints: 3 },
    });
    account.addEvent('New fine-tuned model created');
    expect(messagesOf(await next(2))?.[0]).toBe('New fine-tuned model created');
    account.addCheckpoint('ftckpt_1');
    expect(checkpointsOf(await next(3))).toEqual(['ftckpt_1']);
    account.addCheckpoint('ftckpt_2', { fine_tuned_model_checkpoint: NEW_MODEL });
    expect(checkpointsOf(await next(1))).toEqual(['ftckpt_2', 'ftckpt_1']);
    account.addFinalEvent();
    expect(messagesOf(await next(2))?.[0]).toBe('The job has successfully completed');
    account.addModel(NEW_MODEL);
    expect(await next(4)).toMatchObject({
      fineTunedModel: { id: NEW_MODEL },
      checkpoints: { edges: [{ node: { fineTunedModel: { id: NEW_MODEL } } }, {}] },
    });
    account.addResults();
    expect(await next(40)).toMatchObject({
      resultFiles: [{ id: 'file-result' }],
      metrics: { totalPoints: 4, points: [{ createdAt: null }, {}, {}, { step: 4 }] },
    });
  });

  it.each([
    ['failed', 'The job failed due to an invalid training file.'],
    ['cancelled', 'Fine tuning process stopping due to job cancellation'],
  ])('shows the late last event of a job that has %s', async (status, message) => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask(ALONE);
    account.end({ status, finished_at: null, fine_tuned_model: null });
    world.clock.advance(1000);
    await world.ask(ALONE);
    world.clock.advance(50_000);
    account.addEvent(message);
    const { fineTuningJob } = await world.ask<{ fineTuningJob: JobView }>(ALONE);
    expect(messagesOf(fineTuningJob)?.[0]).toBe(message);
  });

  it('is complete by its id at once after a list has shown it first', async () => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask('{ fineTuningJobs(first: 10) { edges { node { status } } } }');
    world.clock.advance(500);
    await world.ask(ALONE); // Would be fresh for another half second without the list.
    account.end();
    account.addModel(NEW_MODEL);
    account.addCheckpoint('ftckpt_1');
    account.addFinalEvent();
    world.clock.advance(500);
    await world.ask('{ fineTuningJobs(first: 10) { edges { node { status } } } }');
    const { fineTuningJob } = await world.ask<{ fineTuningJob: JobView }>(ALONE);
    expect(fineTuningJob).toMatchObject({ status: 'SUCCEEDED', fineTunedModel: { id: NEW_MODEL } });
    expect(checkpointsOf(fineTuningJob)).toEqual(['ftckpt_1']);
    expect(messagesOf(fineTuningJob)?.[0]).toBe('The job has successfully completed');
  });

  it('invalidates a cached absence of the new model', async () => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask(ALONE);
    world.clock.advance(900);
    const absent = `{ model(id: "${NEW_MODEL}") { id } file(id: "file-result") { id } }`;
    expect(await world.ask(absent)).toEqual({ model: null, file: null });
    account.end({ result_files: ['file-result'] });
    account.addModel(NEW_MODEL);
    account.addResults();
    world.clock.advance(100);
    expect((await world.ask<{ fineTuningJob: JobView }>(ALONE)).fineTuningJob).toMatchObject({
      fineTunedModel: { id: NEW_MODEL },
      resultFiles: [{ id: 'file-result' }],
    });
  });
});

/** Holds back the response to the next request for a target. Resolves to that response. */
function holdResponse({ upstream }: World, target: string): Promise<ServerResponse> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  upstream.on(target, (_: unknown, response: ServerResponse) => resolve(response));
  return promise;
}

describe('a read that was requested before the end and is answered after it', () => {
  it.each([
    ['events', `${JOB}/events`, 'events(first: 3) { edges { node { id } } }'],
    ['checkpoints', `${JOB}/checkpoints`, 'checkpoints { edges { node { id } } }'],
  ])('is neither served nor cached for clients that have read the end: %s', async (_, target, selection) => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { status } }');
    const query = `{ fineTuningJob(id: "ftjob-1") { status ${selection} } }`;
    const late = holdResponse(world, target);
    const first = world.ask(query);
    const response = await late;
    account.end();
    account.addCheckpoint('ftckpt_1');
    account.addFinalEvent();
    world.clock.advance(1000);
    const second = await world.ask(query);
    expect(second).toMatchObject({ fineTuningJob: { status: 'SUCCEEDED' } });
    expect(JSON.stringify(second)).toMatch(/ftckpt_1|ftevent-The job has/);
    writeResponse(response, 200, { object: 'list', data: [], has_more: false });
    await first;
    world.clock.advance(500);
    expect(await world.ask(query)).toEqual(second);
  });

  it('does not replace the new model by an absence', async () => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask(ALONE);
    const late = holdResponse(world, `/models/${encodeURIComponent(NEW_MODEL)}`);
    const early = world.ask(`{ model(id: "${NEW_MODEL}") { id } }`);
    const response = await late;
    account.end();
    account.addModel(NEW_MODEL);
    world.clock.advance(1000);
    const query = '{ fineTuningJob(id: "ftjob-1") { fineTunedModel { id } } }';
    const expected = { fineTuningJob: { fineTunedModel: { id: NEW_MODEL } } };
    expect(await world.ask(query)).toEqual(expected);
    writeResponse(response, 404, { error: { message: 'The model does not exist', code: 'model_not_found' } });
    expect(await early).toEqual({ model: { id: NEW_MODEL } }); // It was read since.
    expect(await world.ask(query)).toEqual(expected);
  });

  it('does not make an ended job active', async () => {
    await using world = await startWorld();
    const account = createAccount(world);
    const late = holdResponse(world, '/fine_tuning/jobs');
    const first = world.ask('{ fineTuningJobs { edges { node { status } } } }');
    const response = await late;
    const running = jobBody({ id: 'ftjob-1', status: 'running' });
    account.end();
    world.clock.advance(10);
    await world.ask(ALONE);
    writeResponse(response, 200, { object: 'list', data: [running], has_more: false });
    expect(await first).toEqual({ fineTuningJobs: { edges: [{ node: { status: 'SUCCEEDED' } }] } });
  });
});

describe('a short read of the log that is answered before a long one requested earlier', () => {
  it.each([
    ['shares events with it', 0],
    ['leaves a gap to it', 10],
  ])('does not shorten the long one when it %s', async (_, grown) => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    const steps = Array.from({ length: 60 + grown }, (_, index) => stepBody(60 + grown - index, 100));
    await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
    const late = holdResponse(world, `${JOB}/events?limit=50`);
    const long = world.ask<{ fineTuningJob: JobView }>(
      '{ fineTuningJob(id: "ftjob-1") { events(first: 50) { edges { node { message } } } } }',
    );
    const response = await late;
    world.clock.advance(10);
    world.upstream.onEvents('ftjob-1', steps);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { events(first: 2) { edges { node { id } } } } }');
    writeResponse(response, 200, { object: 'list', data: steps.slice(grown, grown + 50), has_more: true });
    expect((await long).fineTuningJob.events.edges).toHaveLength(50);
  });
});

describe('the settled state', () => {
  it('makes all data of a job fresh for CACHE_SETTLED_MS', async () => {
    await using world = await startWorld({ CACHE_SETTLED_MS: '300000' });
    const account = createAccount(world);
    await world.ask(ALONE);
    account.end({ result_files: ['file-result'] });
    world.clock.advance(1000);
    await world.ask(ALONE); // The job starts to settle.
    world.clock.advance(59_999);
    account.addResults();
    account.addModel(NEW_MODEL);
    account.addCheckpoint('ftckpt_1');
    await world.ask(ALONE); // Still settling: none of this is final.
    world.clock.advance(1000);
    account.addEvent('A last event');
    const final = await world.ask<{ fineTuningJob: JobView }>(ALONE);
    expect(messagesOf(final.fineTuningJob)?.[0]).toBe('A last event');
    world.clock.advance(298_999);
    expect(await world.callsOf(ALONE)).toEqual([]);
    world.clock.advance(1001);
    const calls = await world.callsOf(ALONE);
    expect(calls).toEqual(expect.arrayContaining([JOB, `${JOB}/events?limit=3`, `${JOB}/checkpoints?limit=10`]));
  });

  it('starts at the final event for the log, but not for the checkpoints', async () => {
    await using world = await startWorld();
    const account = createAccount(world);
    await world.ask(ALONE);
    account.end();
    account.addCheckpoint('ftckpt_1');
    account.addFinalEvent();
    const query =
      '{ fineTuningJob(id: "ftjob-1") { events { edges { cursor } } checkpoints { edges { cursor } } status } }';
    world.clock.advance(1000);
    await world.ask(query);
    world.clock.advance(1000);
    await world.ask(query);
    world.clock.advance(1000);
    account.addCheckpoint('ftckpt_2');
    expect(await world.callsOf(query)).toEqual([JOB, `${JOB}/checkpoints?limit=10`]);
    expect(await world.ask(query)).toMatchObject({ fineTuningJob: { checkpoints: { edges: [{}, {}] } } });
  });
});
