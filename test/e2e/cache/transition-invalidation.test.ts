import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const LONG_TTL = { CACHE_ACTIVE_MS: '60000' };
const NEW_MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::new00001';

/** A query for the job, and a query for lists of files and models. */
const JOB = '{ fineTuningJob(id: "ftjob-1") { status fineTunedModel { id } } }';
const FILES_AND_MODELS = '{ files { edges { node { id } } } models { edges { node { id } } } }';
const LIST = '{ fineTuningJobs { edges { node { status } } } }';

describe('after a list has shown another status of a job', () => {
  it.each(['queued', 'paused', 'failed'])(
    'such as %s, the cached response to an identical query is not served',
    async (status) => {
      await using world = await startWorld(LONG_TTL);
      const statusOf = async () => Object(await world.gateway.query(JOB)).data.fineTuningJob.status;
      world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
      expect(await statusOf()).toBe('RUNNING');
      world.upstream.onJobs([jobBody({ id: 'ftjob-1', status })]);
      world.clock.advance(300);
      expect(await statusOf()).toBe('RUNNING');
      await world.gateway.query(LIST);
      expect(await statusOf()).toBe(status.toUpperCase());
    },
  );
});

describe('after a list has shown the end of a job', () => {
  it('the cached response to an identical query is not served', async () => {
    await using world = await startWorld(LONG_TTL);
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const running = { data: { fineTuningJob: { status: 'RUNNING', fineTunedModel: null } } };
    expect(await world.gateway.query(JOB)).toEqual(running);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded', fine_tuned_model: NEW_MODEL })]);
    world.upstream.onModels([modelBody(NEW_MODEL)]);
    world.clock.advance(300);
    expect(await world.gateway.query(JOB)).toEqual(running);
    await world.gateway.query(LIST);
    expect(await world.gateway.query(JOB)).toEqual({
      data: { fineTuningJob: { status: 'SUCCEEDED', fineTunedModel: { id: NEW_MODEL } } },
    });
  });

  it('the files and the models are read again', async () => {
    await using world = await startWorld(LONG_TTL);
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onFiles([]);
    world.upstream.onModels([]);
    await world.ask(JOB);
    await world.ask(FILES_AND_MODELS);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded', fine_tuned_model: NEW_MODEL })]);
    world.upstream.onFiles([fileBody('file-result', { purpose: 'fine-tune-results' })]);
    world.upstream.onModels([modelBody(NEW_MODEL)]);
    world.clock.advance(300);
    expect(await world.ask(FILES_AND_MODELS)).toEqual({ files: { edges: [] }, models: { edges: [] } });
    await world.ask(LIST);
    world.clock.advance(1);
    expect(await world.ask(FILES_AND_MODELS)).toEqual({
      files: { edges: [{ node: { id: 'file-result' } }] },
      models: { edges: [{ node: { id: NEW_MODEL } }] },
    });
  });

  it('the lists read since are cached', async () => {
    await using world = await startWorld(LONG_TTL);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1' })]);
    await world.ask(LIST);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'failed' }));
    world.upstream.onFiles([]);
    world.upstream.onModels([]);
    world.clock.advance(60_000);
    await world.ask(JOB);
    await world.ask(FILES_AND_MODELS);
    expect(await world.callsOf(FILES_AND_MODELS)).toEqual([]);
  });
});
