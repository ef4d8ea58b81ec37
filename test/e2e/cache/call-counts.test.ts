import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import type { ScriptedUpstream } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld } from '../../kit/gateway/world.ts';

const BASE_MODEL = 'gpt-4.1-mini-2025-04-14';
const NEW_MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::new00001';
const HOUR = 3600;

/** Returns events, newest first: the first event, this number of steps, and events with the last messages. */
function logOf(steps: number, lastMessages: readonly string[] = []) {
  const lastEvents = lastMessages.map((message, index) =>
    eventBody(`ftevent-last-${index}`, { message, created_at: 1_760_009_000 }),
  );
  const stepEvents = Array.from({ length: steps }, (_, index) => stepBody(index + 1, steps));
  return [eventBody('ftevent-first'), ...stepEvents, ...lastEvents].reverse();
}
const FINAL_MESSAGES = ['New fine-tuned model created', 'The job has successfully completed'];

/** Scripts an ended job with all data that a job can have. */
function scriptFinishedJob(upstream: ScriptedUpstream, members: Record<string, unknown> = {}): void {
  const hasSucceeded = (members['status'] ?? 'succeeded') === 'succeeded';
  upstream.onJob(
    jobBody({
      id: 'ftjob-1',
      status: 'succeeded',
      training_file: 'file-train',
      validation_file: 'file-valid',
      fine_tuned_model: hasSucceeded ? NEW_MODEL : null,
      result_files: hasSucceeded ? ['file-result'] : [],
      ...members,
    }),
  );
  upstream.onEvents('ftjob-1', logOf(240, hasSucceeded ? FINAL_MESSAGES : ['It has ended']));
  upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_2'), checkpointBody('ftckpt_1')]);
  upstream.onModels([modelBody(BASE_MODEL), modelBody(NEW_MODEL)]);
  for (const id of ['file-train', 'file-valid']) upstream.onFile(fileBody(id));
  upstream.onFile(fileBody('file-result', { purpose: 'fine-tune-results' }));
  upstream.onContent('file-result', 'step,train_loss\n', '1,0.5\n2,0.4\n');
}

const PARTS = 'events { edges { node { id } } } checkpoints { edges { node { id } } }';
const FILES = 'trainingFile { id } validationFile { id } resultFiles { id }';
const ONE = `{ fineTuningJob(id: "ftjob-1") { status ${PARTS} ${FILES} } }`;
const RICH = `{ fineTuningJob(id: "ftjob-1") { status ${PARTS} ${FILES} model { id } fineTunedModel { id }
  progress { step fraction } metrics(maxPoints: 50) { totalPoints isComplete points { step trainLoss } } } }`;

interface Jobs<Node> {
  fineTuningJobs: { edges: { node: Node }[] };
}
interface Curve {
  progress: { step: number; totalSteps: number } | null;
  metrics: { totalPoints: number; isComplete: boolean; points: { step: number }[] };
}

const JOB = '/fine_tuning/jobs/ftjob-1';
const FILE_LIST = '/files?limit=100&purpose=fine-tune&order=desc';
const jobs = (count: number, members: (index: number) => Record<string, unknown>) =>
  Array.from({ length: count }, (_, index) => jobBody({ id: `ftjob-${index}`, ...members(index) }));
const files = (count: number) => Array.from({ length: count }, (_, index) => fileBody(`file-${index}`));

describe('a list of jobs', () => {
  it('costs two calls with the training files of 20 jobs, which are among the newest 100', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(20, (index) => ({ training_file: `file-${index + 70}` })));
    world.upstream.onFiles(files(200));
    const query = '{ fineTuningJobs { edges { node { trainingFile { id filename } } } } }';
    const calls = await world.callsOf(query);
    expect(calls).toEqual(['/fine_tuning/jobs?limit=20', FILE_LIST]);
    const { fineTuningJobs } = await world.ask<Jobs<{ trainingFile: { id: string } | null }>>(query);
    expect(fineTuningJobs.edges.map(({ node }) => node.trainingFile?.id)).toEqual(
      Array.from({ length: 20 }, (_, index) => `file-${index + 70}`),
    );
  });

  it('costs two calls with `model` and `fineTunedModel` of 50 jobs', async () => {
    await using world = await startWorld();
    const names = Array.from({ length: 50 }, (_, index) => `ft:base:acme::${index}`);
    world.upstream.onJobs(jobs(50, (index) => ({ status: 'succeeded', fine_tuned_model: names[index] })));
    world.upstream.onModels([...names, BASE_MODEL].map((id) => modelBody(id)));
    const calls = await world.callsOf(
      '{ fineTuningJobs(first: 50) { edges { node { model { id } fineTunedModel { id } } } } }',
    );
    expect(calls).toEqual(['/fine_tuning/jobs?limit=50', '/models']);
  });

  it('costs two calls with the result files of 20 jobs', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(20, (index) => ({ status: 'succeeded', result_files: [`file-${index}`] })));
    world.upstream.onFiles(files(20).map((file) => ({ ...file, purpose: 'fine-tune-results' })));
    const calls = await world.callsOf('{ fineTuningJobs { edges { node { resultFiles { id } } } } }');
    expect(calls).toEqual(['/fine_tuning/jobs?limit=20', FILE_LIST.replace('fine-tune', 'fine-tune-results')]);
  });

  it('reads three files one by one', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(3, (index) => ({ training_file: `file-${index}` })));
    world.upstream.onFiles(files(3));
    const calls = await world.callsOf('{ fineTuningJobs { edges { node { trainingFile { id } } } } }');
    expect(calls.slice(1).sort()).toEqual(['/files/file-0', '/files/file-1', '/files/file-2']);
  });

  it('reads four files as a list', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(4, (index) => ({ training_file: `file-${index}` })));
    world.upstream.onFiles(files(4));
    const calls = await world.callsOf('{ fineTuningJobs { edges { node { trainingFile { id } } } } }');
    expect(calls).toEqual(['/fine_tuning/jobs?limit=20', FILE_LIST]);
  });

  it('reads one model alone', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(20, () => ({})));
    world.upstream.onModels([modelBody(BASE_MODEL)]);
    const calls = await world.callsOf('{ fineTuningJobs { edges { node { model { id } } } } }');
    expect(calls).toEqual(['/fine_tuning/jobs?limit=20', `/models/${BASE_MODEL}`]);
  });

  it('reads a file that several jobs share once', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(20, () => ({ training_file: 'file-0' })));
    world.upstream.onFiles(files(1));
    const calls = await world.callsOf('{ fineTuningJobs { edges { node { trainingFile { id } } } } }');
    expect(calls).toEqual(['/fine_tuning/jobs?limit=20', '/files/file-0']);
  });

  it('reads the files that the list lacks one by one, after the list', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(6, (index) => ({ training_file: `file-${index * 30}` })));
    world.upstream.onFiles(files(200));
    const query = '{ fineTuningJobs { edges { node { trainingFile { id } } } } }';
    const calls = await world.callsOf(query);
    expect(calls.slice(0, 2)).toEqual(['/fine_tuning/jobs?limit=20', FILE_LIST]);
    expect(calls.slice(2).sort()).toEqual(['/files/file-120', '/files/file-150']);
    const { fineTuningJobs } = await world.ask<Jobs<{ trainingFile: unknown }>>(query);
    expect(fineTuningJobs.edges.map(({ node }) => node.trainingFile)).not.toContain(null);
  });

  it('with progress and metrics costs at most 20 event pages per running job, and truncates the curve', async () => {
    await using world = await startWorld();
    const statuses = (index: number) => (index < 3 ? 'running' : index < 6 ? 'succeeded' : 'queued');
    const list = jobs(100, (index) => ({
      status: statuses(index),
      finished_at: statuses(index) === 'succeeded' ? world.seconds() - HOUR : null,
      result_files: statuses(index) === 'succeeded' ? [`file-result-${index}`] : [],
    }));
    world.upstream.onJobs(list);
    for (const [index, { id }] of list.entries()) {
      const events = { running: logOf(5000), succeeded: logOf(30, FINAL_MESSAGES), queued: logOf(0) };
      world.upstream.onEvents(id, events[statuses(index)]);
      world.upstream.onContent(`file-result-${index}`, 'step,train_loss\n1,0.5\n2,0.4\n');
    }
    const query = `{ fineTuningJobs(first: 100) { edges { node { status progress { step totalSteps }
      metrics(maxPoints: 50) { totalPoints isComplete points { step } } } } } }`;
    const calls = await world.callsOf(query);
    const callsOfJob = (index: number) =>
      calls.filter((target) => target.includes(`ftjob-${index}/`) || target.includes(`file-result-${index}/`));
    const counts = list.map((_, index) => callsOfJob(index).length);
    expect(counts.slice(0, 3)).toEqual([20, 20, 20]);
    expect(counts.slice(3, 6)).toEqual([2, 2, 2]); // The results file, and the newest events for the progress.
    expect(counts.slice(6).every((count) => count === 1)).toBe(true);
    expect(calls).toHaveLength(1 + 60 + 6 + 94);
  });

  it('returns the newest part of a truncated curve with isComplete: false', async () => {
    await using world = await startWorld();
    world.upstream.onJobs(jobs(1, () => ({ status: 'running' })));
    world.upstream.onEvents('ftjob-0', logOf(5000));
    const query = `{ fineTuningJobs { edges { node { progress { step totalSteps }
      metrics(maxPoints: 50) { totalPoints isComplete points { step } } } } } }`;
    const { fineTuningJobs } = await world.ask<Jobs<Curve>>(query);
    const curve = fineTuningJobs.edges[0]?.node;
    expect(curve).toMatchObject({
      progress: { step: 5000, totalSteps: 5000 },
      metrics: { totalPoints: 2000, isComplete: false },
    });
    expect(curve?.metrics.points).toHaveLength(50);
    expect([curve?.metrics.points.at(0), curve?.metrics.points.at(-1)]).toEqual([{ step: 3001 }, { step: 5000 }]);
  });

  it('continues a truncated curve at the next query, until it is complete and costs one page', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    world.upstream.onEvents('ftjob-1', logOf(5000));
    const query = '{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints isComplete } } }';
    const results = [];
    for (let n = 0; n < 4; n++) {
      const before = world.upstream.calls.length;
      const { fineTuningJob } = await world.ask<{ fineTuningJob: Pick<Curve, 'metrics'> }>(query);
      const pages = world.upstream.calls.slice(before).filter(({ target }) => target.includes('/events'));
      results.push({ ...fineTuningJob.metrics, pages: pages.length });
      world.clock.advance(1000);
    }
    expect(results).toEqual([
      { totalPoints: 2000, isComplete: false, pages: 20 },
      { totalPoints: 3900, isComplete: false, pages: 20 }, // One page reads the head again.
      { totalPoints: 5000, isComplete: true, pages: 13 },
      { totalPoints: 5000, isComplete: true, pages: 1 },
    ]);
  });
});

describe('a job with events, checkpoints and all its files', () => {
  it('costs six calls in two round trips', async () => {
    await using world = await startWorld();
    scriptFinishedJob(world.upstream);
    const first = world.upstream.hold();
    const response = world.ask(ONE);
    await first.arrived(1);
    const second = world.upstream.hold();
    first.release();
    await second.arrived(5);
    second.release();
    const { fineTuningJob } = await response;
    expect(fineTuningJob).toMatchObject({
      trainingFile: { id: 'file-train' },
      validationFile: { id: 'file-valid' },
      resultFiles: [{ id: 'file-result' }],
    });
    const [job, ...others] = world.upstream.calls.map(({ target }) => target);
    expect(job).toBe(JOB);
    expect(others.sort()).toEqual([
      '/files/file-result',
      '/files/file-train',
      '/files/file-valid',
      `${JOB}/checkpoints?limit=10`,
      `${JOB}/events?limit=20`,
    ]);
  });

  it('reads its newest events once for `events`, `progress` and `metrics`', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    world.upstream.onEvents('ftjob-1', logOf(50));
    const calls = await world.callsOf(
      '{ fineTuningJob(id: "ftjob-1") { events(first: 5) { edges { cursor } } progress { step } metrics { totalPoints } } }',
    );
    expect(calls).toEqual([JOB, `${JOB}/events?limit=100`]);
  });
});

describe('100 identical queries at once', () => {
  it.each([
    ['without caching', NO_CACHE],
    ['with the default settings', {}],
  ])('cost the calls of one, for all data of a job, %s', async (_, settings) => {
    await using alone = await startWorld(settings);
    scriptFinishedJob(alone.upstream);
    const cost = (await alone.callsOf(RICH)).sort();
    expect(cost.length).toBeGreaterThanOrEqual(8);
    await using world = await startWorld(settings);
    scriptFinishedJob(world.upstream);
    const gate = world.upstream.hold();
    const responses = Promise.all(Array.from({ length: 100 }, () => world.gateway.query(RICH)));
    await world.gateway.received(100);
    gate.release();
    const [first, ...others] = await responses;
    expect(first?.errors).toBeUndefined();
    for (const other of others) expect(other).toEqual(first);
    expect(world.upstream.calls.map(({ target }) => target).sort()).toEqual(cost);
  });

  it('cost the calls of one when files that a list lacks are read after it, without caching', async () => {
    await using world = await startWorld(NO_CACHE);
    world.upstream.onJobs(jobs(6, (index) => ({ training_file: `file-${index * 30}` })));
    world.upstream.onFiles(files(200));
    const query = '{ fineTuningJobs { edges { node { trainingFile { id } } } } }';
    const gate = world.upstream.hold();
    const responses = Promise.all(Array.from({ length: 100 }, () => world.gateway.query(query)));
    await world.gateway.received(100);
    gate.release();
    await responses;
    expect(world.upstream.calls).toHaveLength(4);
  });
});

describe('a finished job', () => {
  it('costs no call at the second query when it ended long ago', async () => {
    await using world = await startWorld();
    scriptFinishedJob(world.upstream, { finished_at: world.seconds() - HOUR });
    expect((await world.callsOf(RICH)).length).toBeGreaterThanOrEqual(8);
    for (const ms of [0, 10_000, 60_000, 229_999]) {
      world.clock.advance(ms);
      expect(await world.callsOf(RICH)).toEqual([]);
    }
    world.clock.advance(1);
    expect((await world.callsOf(RICH)).length).toBeGreaterThan(0);
  });

  it.each([
    ['succeeded a moment ago', { status: 'succeeded' }],
    ['was cancelled, without finished_at', { status: 'cancelled', finished_at: null }],
    ['failed, without finished_at', { status: 'failed', finished_at: null }],
  ])('costs no call from the second query after it has settled, when it %s', async (_, members) => {
    await using world = await startWorld();
    scriptFinishedJob(world.upstream, { finished_at: world.seconds(), ...members });
    await world.ask(RICH);
    world.clock.advance(60_000);
    expect((await world.callsOf(RICH)).length).toBeGreaterThan(0);
    for (const ms of [0, 10_000, 60_000]) {
      world.clock.advance(ms);
      expect(await world.callsOf(RICH)).toEqual([]);
    }
  });

  it.each(['succeeded', 'cancelled'])(
    'that has %s costs no call for files and models that were deleted',
    async (status) => {
      await using world = await startWorld();
      scriptFinishedJob(world.upstream, {
        status,
        finished_at: status === 'succeeded' ? world.seconds() : null,
        training_file: 'file-deleted',
        fine_tuned_model: status === 'succeeded' ? 'ft:deleted' : null,
        model: 'retired',
      });
      await world.ask(RICH);
      world.clock.advance(60_000);
      const { fineTuningJob } = await world.ask(RICH);
      expect(fineTuningJob).toMatchObject({ trainingFile: null, fineTunedModel: null, model: null });
      world.clock.advance(60_000);
      expect(await world.callsOf(RICH)).toEqual([]);
    },
  );

  it('costs no call after an unrelated list was read', async () => {
    await using world = await startWorld();
    scriptFinishedJob(world.upstream, { finished_at: world.seconds() - HOUR });
    await world.ask(RICH);
    world.clock.advance(30_000);
    world.upstream.onJobs([jobBody({ id: 'ftjob-2' })]);
    await world.ask('{ fineTuningJobs { edges { cursor } } }');
    expect(await world.callsOf(RICH)).toEqual([]);
  });
});
