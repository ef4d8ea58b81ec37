import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { answer } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const BASE_MODEL = 'gpt-4.1-mini-2025-04-14';
const NEW_MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::new00001';
const JOB = '/fine_tuning/jobs/ftjob-1';

/** What a client sees of the job: all that its end brings. */
interface Sight {
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
/** What others read at any time, and what the lists are read for. */
const AROUND = `{ models(first: 100) { edges { node { id } } } files(first: 100) { edges { node { id } } }
  fineTuningJobs { edges { node { model { id } fineTunedModel { id } trainingFile { id } } } } }`;

/** A job and its surroundings, at an upstream whose parts learn of the end one by one. */
function createStory({ upstream, seconds }: World) {
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
  const log = (message: string) => {
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
    log,
    close: () => log('The job has successfully completed'),
    saveCheckpoint(id: string, members: Record<string, unknown> = {}) {
      checkpoints = [checkpointBody(id, members), ...checkpoints];
      script();
    },
    makeModel(id: string) {
      models = [...models, modelBody(id)];
      script();
    },
    makeResults() {
      files = [fileBody('file-result', { purpose: 'fine-tune-results' }), ...files];
      upstream.onContent('file-result', 'step,train_loss\n1,0.5\n2,0.4\n3,0.3\n4,0.2\n');
      script();
    },
  };
}

/** How a client looks at the job: by its id, or in a list. */
const WAYS = [
  ['by its id', async (world: World) => (await world.ask<{ fineTuningJob: Sight }>(ALONE)).fineTuningJob],
  [
    'in a list',
    async (world: World) => {
      const { fineTuningJobs } = await world.ask<{
        fineTuningJobs: { edges: { node: Sight & { id: string } }[] };
      }>(LISTED);
      return fineTuningJobs.edges.find(({ node }) => node.id === 'ftjob-1')?.node;
    },
  ],
] as const;

const messagesOf = (sight: Sight | undefined) => sight?.events.edges.map(({ node }) => node.message);
const checkpointsOf = (sight: Sight | undefined) => sight?.checkpoints.edges.map(({ node }) => node.id);

describe('the end of a job that was watched while it ran', () => {
  it.each(WAYS)('is whole at the first look, when all of it is there and it is looked at %s', async (_, look) => {
    await using world = await startWorld();
    const story = createStory(world);
    await look(world);
    world.clock.advance(900);
    await world.ask(AROUND); // Lists that do not know of the end yet, and stay fresh behind it.
    await world.ask(ALONE);
    world.clock.advance(100);
    story.end({ result_files: ['file-result'] });
    story.makeResults();
    story.makeModel(NEW_MODEL);
    story.saveCheckpoint('ftckpt_1', { fine_tuned_model_checkpoint: NEW_MODEL });
    story.log('New fine-tuned model created');
    story.close();
    world.clock.advance(900);
    const sight = await look(world);
    expect(sight).toMatchObject({
      status: 'SUCCEEDED',
      fineTunedModel: { id: NEW_MODEL },
      resultFiles: [{ id: 'file-result' }],
      checkpoints: { edges: [{ node: { id: 'ftckpt_1', fineTunedModel: { id: NEW_MODEL } } }] },
      metrics: { totalPoints: 4 },
    });
    expect(messagesOf(sight)?.slice(0, 2)).toEqual([
      'The job has successfully completed',
      'New fine-tuned model created',
    ]);
  });

  it.each(WAYS)('brings each late thing to the first look behind it, looked at %s', async (_, look) => {
    await using world = await startWorld();
    const story = createStory(world);
    const next = (seconds: number) => {
      world.clock.advance(seconds * 1000);
      return look(world);
    };
    await world.ask(AROUND);
    await look(world);
    story.end({ result_files: ['file-result'] });
    expect(await next(1)).toMatchObject({
      status: 'SUCCEEDED',
      fineTunedModel: null,
      resultFiles: [null],
      metrics: { totalPoints: 3 },
    });
    story.log('New fine-tuned model created');
    expect(messagesOf(await next(2))?.[0]).toBe('New fine-tuned model created');
    story.saveCheckpoint('ftckpt_1');
    expect(checkpointsOf(await next(3))).toEqual(['ftckpt_1']);
    story.saveCheckpoint('ftckpt_2', { fine_tuned_model_checkpoint: NEW_MODEL });
    expect(checkpointsOf(await next(1))).toEqual(['ftckpt_2', 'ftckpt_1']);
    story.close();
    expect(messagesOf(await next(2))?.[0]).toBe('The job has successfully completed');
    story.makeModel(NEW_MODEL);
    expect(await next(4)).toMatchObject({
      fineTunedModel: { id: NEW_MODEL },
      checkpoints: { edges: [{ node: { fineTunedModel: { id: NEW_MODEL } } }, {}] },
    });
    story.makeResults();
    expect(await next(40)).toMatchObject({
      resultFiles: [{ id: 'file-result' }],
      metrics: { totalPoints: 4, points: [{ createdAt: null }, {}, {}, { step: 4 }] },
    });
  });

  it.each([
    ['failed', 'The job failed due to an invalid training file.'],
    ['cancelled', 'Fine tuning process stopping due to job cancellation'],
  ])('brings the last word of a job that has %s, which comes late too', async (status, message) => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask(ALONE);
    story.end({ status, finished_at: null, fine_tuned_model: null });
    world.clock.advance(1000);
    await world.ask(ALONE);
    world.clock.advance(50_000);
    story.log(message);
    const { fineTuningJob } = await world.ask<{ fineTuningJob: Sight }>(ALONE);
    expect(messagesOf(fineTuningJob)?.[0]).toBe(message);
  });

  it('is seen by its id at once when a list has shown it first, with all that it brings', async () => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask('{ fineTuningJobs(first: 10) { edges { node { status } } } }');
    world.clock.advance(500);
    await world.ask(ALONE); // Fresh for another half second, had the list not told otherwise.
    story.end();
    story.makeModel(NEW_MODEL);
    story.saveCheckpoint('ftckpt_1');
    story.close();
    world.clock.advance(500);
    await world.ask('{ fineTuningJobs(first: 10) { edges { node { status } } } }');
    const { fineTuningJob } = await world.ask<{ fineTuningJob: Sight }>(ALONE);
    expect(fineTuningJob).toMatchObject({ status: 'SUCCEEDED', fineTunedModel: { id: NEW_MODEL } });
    expect(checkpointsOf(fineTuningJob)).toEqual(['ftckpt_1']);
    expect(messagesOf(fineTuningJob)?.[0]).toBe('The job has successfully completed');
  });

  it('does not hide the new model behind an answer that there was none', async () => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask(ALONE);
    world.clock.advance(900);
    const guess = `{ model(id: "${NEW_MODEL}") { id } file(id: "file-result") { id } }`;
    expect(await world.ask(guess)).toEqual({ model: null, file: null });
    story.end({ result_files: ['file-result'] });
    story.makeModel(NEW_MODEL);
    story.makeResults();
    world.clock.advance(100);
    expect((await world.ask<{ fineTuningJob: Sight }>(ALONE)).fineTuningJob).toMatchObject({
      fineTunedModel: { id: NEW_MODEL },
      resultFiles: [{ id: 'file-result' }],
    });
  });
});

/** Lets the next request for a target wait, and gives what answers it. */
function delay({ upstream }: World, target: string): Promise<ServerResponse> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  upstream.on(target, (_: unknown, response: ServerResponse) => resolve(response));
  return promise;
}

describe('what was asked for before the end and comes behind it', () => {
  it.each([
    ['events', `${JOB}/events`, 'events(first: 3) { edges { node { id } } }'],
    ['checkpoints', `${JOB}/checkpoints`, 'checkpoints { edges { node { id } } }'],
  ])('does not serve who has seen the end, nor replace what they got: %s', async (_, target, selection) => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { status } }');
    const query = `{ fineTuningJob(id: "ftjob-1") { status ${selection} } }`;
    const late = delay(world, target);
    const first = world.ask(query);
    const response = await late;
    story.end();
    story.saveCheckpoint('ftckpt_1');
    story.close();
    world.clock.advance(1000);
    const second = await world.ask(query);
    expect(second).toMatchObject({ fineTuningJob: { status: 'SUCCEEDED' } });
    expect(JSON.stringify(second)).toMatch(/ftckpt_1|ftevent-The job has/);
    answer(response, 200, { object: 'list', data: [], has_more: false });
    await first;
    world.clock.advance(500);
    expect(await world.ask(query)).toEqual(second);
  });

  it('does not make the new model an absence', async () => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask(ALONE);
    const late = delay(world, `/models/${encodeURIComponent(NEW_MODEL)}`);
    const guess = world.ask(`{ model(id: "${NEW_MODEL}") { id } }`);
    const response = await late;
    story.end();
    story.makeModel(NEW_MODEL);
    world.clock.advance(1000);
    const query = '{ fineTuningJob(id: "ftjob-1") { fineTunedModel { id } } }';
    const expected = { fineTuningJob: { fineTunedModel: { id: NEW_MODEL } } };
    expect(await world.ask(query)).toEqual(expected);
    answer(response, 404, { error: { message: 'The model does not exist', code: 'model_not_found' } });
    expect(await guess).toEqual({ model: { id: NEW_MODEL } }); // It is known by now.
    expect(await world.ask(query)).toEqual(expected);
  });

  it('does not make a job move again', async () => {
    await using world = await startWorld();
    const story = createStory(world);
    const late = delay(world, '/fine_tuning/jobs');
    const first = world.ask('{ fineTuningJobs { edges { node { status } } } }');
    const response = await late;
    const running = jobBody({ id: 'ftjob-1', status: 'running' });
    story.end();
    world.clock.advance(10);
    await world.ask(ALONE);
    answer(response, 200, { object: 'list', data: [running], has_more: false });
    expect(await first).toEqual({ fineTuningJobs: { edges: [{ node: { status: 'SUCCEEDED' } }] } });
  });
});

describe('a short answer that comes before a long one to an earlier question', () => {
  it.each([
    ['meets it', 0],
    ['is so new that there is a gap between them', 10],
  ])('leaves the long one as long as it was asked to be, when it %s', async (_, grown) => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    const steps = Array.from({ length: 60 + grown }, (_, index) => stepBody(60 + grown - index, 100));
    await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
    const late = delay(world, `${JOB}/events?limit=50`);
    const long = world.ask<{ fineTuningJob: Sight }>(
      '{ fineTuningJob(id: "ftjob-1") { events(first: 50) { edges { node { message } } } } }',
    );
    const response = await late;
    world.clock.advance(10);
    world.upstream.onEvents('ftjob-1', steps);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { events(first: 2) { edges { node { id } } } } }');
    answer(response, 200, { object: 'list', data: steps.slice(grown, grown + 50), has_more: true });
    expect((await long).fineTuningJob.events.edges).toHaveLength(50);
  });
});

describe('behind the quiet minute', () => {
  it('all that is known of a job serves for CACHE_SETTLED_MS, and no longer', async () => {
    await using world = await startWorld({ CACHE_SETTLED_MS: '300000' });
    const story = createStory(world);
    await world.ask(ALONE);
    story.end({ result_files: ['file-result'] });
    world.clock.advance(1000);
    await world.ask(ALONE); // The minute begins.
    world.clock.advance(59_999);
    story.makeResults();
    story.makeModel(NEW_MODEL);
    story.saveCheckpoint('ftckpt_1');
    await world.ask(ALONE); // Still within it: none of this lasts.
    world.clock.advance(1000);
    story.log('A last word');
    const final = await world.ask<{ fineTuningJob: Sight }>(ALONE);
    expect(messagesOf(final.fineTuningJob)?.[0]).toBe('A last word');
    world.clock.advance(298_999);
    expect(await world.callsOf(ALONE)).toEqual([]);
    world.clock.advance(1001);
    const calls = await world.callsOf(ALONE);
    expect(calls).toEqual(expect.arrayContaining([JOB, `${JOB}/events?limit=3`, `${JOB}/checkpoints?limit=10`]));
  });

  it('begins for the log at the closing event, behind which nothing comes, but not for the checkpoints', async () => {
    await using world = await startWorld();
    const story = createStory(world);
    await world.ask(ALONE);
    story.end();
    story.saveCheckpoint('ftckpt_1');
    story.close();
    const query =
      '{ fineTuningJob(id: "ftjob-1") { events { edges { cursor } } checkpoints { edges { cursor } } status } }';
    world.clock.advance(1000);
    await world.ask(query);
    world.clock.advance(1000);
    await world.ask(query);
    world.clock.advance(1000);
    story.saveCheckpoint('ftckpt_2');
    expect(await world.callsOf(query)).toEqual([JOB, `${JOB}/checkpoints?limit=10`]);
    expect(await world.ask(query)).toMatchObject({ fineTuningJob: { checkpoints: { edges: [{}, {}] } } });
  });
});
