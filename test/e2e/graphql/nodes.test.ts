import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const TUNED = 'ft:gpt-4.1-mini-2025-04-14:acme::abc12345';

describe('node and nodes', () => {
  const TYPED = 'query ($id: ID!) { node(id: $id) { __typename id } }';
  const JOB = '/fine_tuning/jobs/';

  it.each([
    ['ftjob-1', 'FineTuningJob', `${JOB}ftjob-1`],
    ['file-1', 'File', '/files/file-1'],
    [TUNED, 'Model', `/models/${encodeURIComponent(TUNED)}`],
  ])('find %s by the format of its id, in one call', async (id, __typename, target) => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onFile(fileBody('file-1'));
    world.upstream.onModel(modelBody(TUNED));
    expect(await world.ask(TYPED, { id })).toEqual({ node: { __typename, id } });
    expect(world.targets()).toEqual([target]);
  });

  it.each(['ftjob-none', 'file-none', 'ft:none'])('are null for %s, after one call', async (id) => {
    await using world = await startWorld();
    expect(await world.ask(TYPED, { id })).toEqual({ node: null });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('read an id of unknown format as a job, a file and a model, one after another', async () => {
    await using world = await startWorld();
    world.upstream.onModel(modelBody('gpt-x'));
    expect(await world.ask(TYPED, { id: 'gpt-x' })).toEqual({ node: { __typename: 'Model', id: 'gpt-x' } });
    expect(world.targets()).toEqual([`${JOB}gpt-x`, '/files/gpt-x', '/models/gpt-x']);
  });

  it('are null for an unknown id of unknown format, after three calls', async () => {
    await using world = await startWorld();
    expect(await world.ask(TYPED, { id: 'nothing' })).toEqual({ node: null });
    expect(world.targets()).toEqual([`${JOB}nothing`, '/files/nothing', '/models/nothing']);
  });

  it('continue when the server rejects the format of the id', async () => {
    await using world = await startWorld();
    const reject = (_: IncomingMessage, response: ServerResponse) =>
      writeResponse(response, 400, { error: { message: 'id' } });
    world.upstream.on(`${JOB}gpt-x`, reject);
    world.upstream.on('/files/gpt-x', reject);
    world.upstream.onModel(modelBody('gpt-x'));
    expect(await world.ask(TYPED, { id: 'gpt-x' })).toEqual({ node: { __typename: 'Model', id: 'gpt-x' } });
  });

  it('do not treat a failed read as a missing object', async () => {
    await using world = await startWorld();
    world.upstream.on(`${JOB}gpt-x`, (_: IncomingMessage, response: ServerResponse) =>
      writeResponse(response, 503, {}),
    );
    world.upstream.onModel(modelBody('gpt-x'));
    const { data, errors } = await world.gateway.query(TYPED, { id: 'gpt-x' });
    expect(data).toEqual({ node: null });
    expect(errors).toMatchObject([{ path: ['node'], extensions: { code: 'UPSTREAM_UNAVAILABLE' } }]);
  });

  it.each([
    ['a file', '{ files { edges { node { id } } } }', 'File', ['/files', '/files/odd']],
    ['a model', '{ models { edges { node { id } } } }', 'Model', ['/models']],
  ])('remember the type of an id of unknown format: %s', async (_, list, __typename, targets) => {
    await using world = await startWorld();
    if (__typename === 'File') world.upstream.onFiles([fileBody('odd', { status: 'uploaded' })]);
    else world.upstream.onModels([modelBody('odd')]);
    await world.ask(list);
    world.clock.advance(5000);
    expect(await world.ask(TYPED, { id: 'odd' })).toEqual({ node: { __typename, id: 'odd' } });
    expect(world.targets()).toEqual(targets);
  });

  it('return jobs, files and models in the order of their ids, with null for missing ones', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onFile(fileBody('file-1'));
    world.upstream.onModel(modelBody(TUNED));
    const ids = [TUNED, 'file-none', 'ftjob-1', 'file-1', 'file-1'];
    expect(
      await world.ask(
        `query ($ids: [ID!]!) { nodes(ids: $ids) {
          __typename id ... on FineTuningJob { status } ... on File { filename } ... on Model { ownedBy }
        } }`,
        { ids },
      ),
    ).toEqual({
      nodes: [
        { __typename: 'Model', id: TUNED, ownedBy: 'system' },
        null,
        { __typename: 'FineTuningJob', id: 'ftjob-1', status: 'RUNNING' },
        { __typename: 'File', id: 'file-1', filename: 'train.jsonl' },
        { __typename: 'File', id: 'file-1', filename: 'train.jsonl' },
      ],
    });
    expect(world.upstream.calls).toHaveLength(4);
  });

  it('find a model where the server has neither files nor a job with this id', async () => {
    await using world = await startWorld();
    const failWith = (status: number) => (_: unknown, response: Parameters<typeof writeResponse>[0]) =>
      writeResponse(response, status, { error: { message: 'Invalid URL (GET /v1/files/odd)', code: null } });
    world.upstream.on('/fine_tuning/jobs/odd', failWith(400));
    world.upstream.on('/files/odd', failWith(404));
    world.upstream.onModel(modelBody('odd'));
    expect(await world.ask(TYPED, { id: 'odd' })).toEqual({ node: { __typename: 'Model', id: 'odd' } });
  });

  it('fail when the server has none of the three endpoints', async () => {
    await using world = await startWorld();
    for (const path of ['/fine_tuning/jobs/odd', '/files/odd', '/models/odd']) {
      world.upstream.on(path, (_: unknown, response: Parameters<typeof writeResponse>[0]) =>
        writeResponse(response, 404, '<html>'),
      );
    }
    const { data, errors } = await world.gateway.query(TYPED, { id: 'odd' });
    expect(data).toEqual({ node: null });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_UNSUPPORTED');
  });
});
