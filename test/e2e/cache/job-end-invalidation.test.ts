import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const KEPT_LONG = { CACHE_ACTIVE_MS: '60000' };
const NEW_MODEL = 'ft:gpt-4.1-mini-2025-04-14:acme::new00001';

/** The job as one query sees it, and lists that another looks at. */
const JOB = '{ fineTuningJob(id: "ftjob-1") { status fineTunedModel { id } } }';
const AROUND = '{ files { edges { node { id } } } models { edges { node { id } } } }';
const LIST = '{ fineTuningJobs { edges { node { status } } } }';

describe('once a list has shown the end of a job', () => {
  it('the answer to a query that was asked before, letter by letter, is not given again', async () => {
    await using world = await startWorld(KEPT_LONG);
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

  it('the files and the models are listed anew', async () => {
    await using world = await startWorld(KEPT_LONG);
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onFiles([]);
    world.upstream.onModels([]);
    await world.ask(JOB);
    await world.ask(AROUND);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded', fine_tuned_model: NEW_MODEL })]);
    world.upstream.onFiles([fileBody('file-result', { purpose: 'fine-tune-results' })]);
    world.upstream.onModels([modelBody(NEW_MODEL)]);
    world.clock.advance(300);
    expect(await world.ask(AROUND)).toEqual({ files: { edges: [] }, models: { edges: [] } });
    await world.ask(LIST);
    world.clock.advance(1);
    expect(await world.ask(AROUND)).toEqual({
      files: { edges: [{ node: { id: 'file-result' } }] },
      models: { edges: [{ node: { id: NEW_MODEL } }] },
    });
  });

  it('what was listed since is kept', async () => {
    await using world = await startWorld(KEPT_LONG);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1' })]);
    await world.ask(LIST);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'failed' }));
    world.upstream.onFiles([]);
    world.upstream.onModels([]);
    world.clock.advance(60_000);
    await world.ask(JOB);
    await world.ask(AROUND);
    expect(await world.callsOf(AROUND)).toEqual([]);
  });
});
