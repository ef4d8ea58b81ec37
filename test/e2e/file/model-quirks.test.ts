import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const BASE = 'gpt-4.1-mini-2025-04-14';
const TUNED = `ft:${BASE}:acme::abc12345`;

/** The fields of a model whose body has these members too. */
async function readModel(members: Record<string, unknown>, selection: string, id = 'gpt-x'): Promise<unknown> {
  await using world = await startWorld();
  world.upstream.onModel(modelBody(id, members));
  return (await world.ask(`query ($id: ID!) { model(id: $id) { ${selection} } }`, { id }))['model'];
}

describe('a model', () => {
  it('has a field for every property', async () => {
    const members = { created: 1_750_000_001, owned_by: 'acme', shutdown_date: '2026-10-23' };
    expect(await readModel(members, '__typename id createdAt ownedBy shutdownDate isFineTuned', TUNED)).toEqual({
      __typename: 'Model',
      id: TUNED,
      createdAt: 1_750_000_001,
      ownedBy: 'acme',
      shutdownDate: '2026-10-23',
      isFineTuned: true,
    });
  });

  it.each([
    ['null', null],
    ['absent', undefined],
    ['0', 0],
    ['a list', ['2026-10-23']],
    ['no calendar date', '2026-02-30'],
    ['a string', 'soon'],
    ['empty', ''],
  ])('has no shutdown date when it is %s', async (_, shutdown_date) => {
    expect(await readModel({ shutdown_date }, 'id shutdownDate')).toEqual({ id: 'gpt-x', shutdownDate: null });
  });

  it.each([
    ['a time with a zone', '2026-10-23T23:30:00-01:00', '2026-10-24'],
    ['a time without a zone', '2026-10-23 23:30:00', '2026-10-23'],
    ['seconds', 1_790_000_000, '2026-09-21'],
    ['seconds as text', '1790000000', '2026-09-21'],
    ['milliseconds', 1_790_000_000_000, '2026-09-21'],
  ])('has the UTC date of a shutdown date that is %s', async (_, shutdown_date, shutdownDate) => {
    expect(await readModel({ shutdown_date }, 'shutdownDate')).toEqual({ shutdownDate });
  });

  it('has the creation time and the deprecation of Azure', async () => {
    await using world = await startWorld();
    world.upstream.onModels([
      { id: 'older', created_at: 1_646_126_127, deprecation: { fine_tune: 1_677_662_127, inference: 1_709_284_527 } },
      { id: 'newer.ft-0123', created_at: '1746126127', deprecation: { inference: '1809284527' } },
      { id: 'newest', created_at: 1_756_126_127, deprecation: { fine_tune: 1_677_662_127 } },
    ]);
    expect(await world.ask('{ models { edges { node { id createdAt shutdownDate } } } }')).toEqual({
      models: {
        edges: [
          { node: { id: 'newest', createdAt: 1_756_126_127, shutdownDate: null } },
          { node: { id: 'newer.ft-0123', createdAt: 1_746_126_127, shutdownDate: '2027-05-02' } },
          { node: { id: 'older', createdAt: 1_646_126_127, shutdownDate: '2024-03-01' } },
        ],
      },
    });
  });

  it('is valid with its id only', async () => {
    await using world = await startWorld();
    world.upstream.onModel({ id: 'llama' });
    expect(await world.ask('{ model(id: "llama") { id createdAt ownedBy shutdownDate isFineTuned } }')).toEqual({
      model: { id: 'llama', createdAt: null, ownedBy: null, shutdownDate: null, isFineTuned: false },
    });
  });

  it.each([
    [TUNED, true],
    [`${TUNED}:ckpt-step-80`, true],
    ['gpt-4.1-mini.ft-0123abcd', true],
    ['curie:ft-acme-2023-01-01', true],
    [BASE, false],
    ['meta-llama/Llama-3.1-8B', false],
  ])('with the id %s is fine-tuned: %s', async (id, isFineTuned) => {
    expect(await readModel({}, 'id isFineTuned', id)).toEqual({ id, isFineTuned });
  });

  it('that does not exist is null without an error', async () => {
    await using world = await startWorld();
    expect(await world.ask('{ model(id: "gpt-none") { id } }')).toEqual({ model: null });
  });

  it('is UPSTREAM_INVALID_RESPONSE when the upstream returns another model', async () => {
    await using world = await startWorld();
    world.upstream.on('/models/gpt-x', modelBody('gpt-y'));
    const { data, errors } = await world.gateway.query('{ model(id: "gpt-x") { id } }');
    expect(data).toEqual({ model: null });
    expect(errors).toMatchObject([{ path: ['model'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }]);
  });
});

describe("a job's models", () => {
  const JOB = jobBody({ id: 'ftjob-1', status: 'succeeded', fine_tuned_model: TUNED });
  const BOTH = '{ fineTuningJob(id: "ftjob-1") { modelId model { id } fineTunedModelId fineTunedModel { id } } }';

  it('are null without an error when both were deleted, and their ids remain', async () => {
    await using world = await startWorld();
    world.upstream.onJob(JOB);
    world.upstream.onModels([]);
    expect(await world.ask(BOTH)).toEqual({
      fineTuningJob: { modelId: BASE, model: null, fineTunedModelId: TUNED, fineTunedModel: null },
    });
  });

  it('are read one by one when the list does not have them', async () => {
    await using world = await startWorld();
    world.upstream.onJob(JOB);
    world.upstream.onModels([modelBody(BASE)]);
    world.upstream.onModel(modelBody(TUNED));
    expect(await world.ask(BOTH)).toMatchObject({
      fineTuningJob: { model: { id: BASE }, fineTunedModel: { id: TUNED } },
    });
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', '/models', `/models/${encodeURIComponent(TUNED)}`]);
  });

  it.each([
    ['does not have the list', 404, 'Not Found'],
    ['does not allow the list', 403, { error: { message: 'no' } }],
    ['returns no list', 200, { models: [] }],
  ])('are read one by one when the upstream %s', async (_, status, body) => {
    await using world = await startWorld();
    world.upstream.onJob(JOB);
    world.upstream.on('/models', (__: IncomingMessage, response: ServerResponse) =>
      writeResponse(response, status, body),
    );
    for (const id of [BASE, TUNED]) world.upstream.onModel(modelBody(id));
    expect(await world.ask(BOTH)).toMatchObject({
      fineTuningJob: { model: { id: BASE }, fineTunedModel: { id: TUNED } },
    });
  });

  it('are returned from the cache when the list fails', async () => {
    await using world = await startWorld();
    world.upstream.onJob(JOB);
    world.upstream.onModel(modelBody(BASE));
    for (const id of ['ftjob-2', 'ftjob-3']) world.upstream.onJob(jobBody({ id, model: `base-of-${id}` }));
    world.upstream.on('/models', (_: IncomingMessage, response: ServerResponse) => writeResponse(response, 503, {}));
    await world.ask('{ fineTuningJob(id: "ftjob-1") { model { id } } }');
    const { data, errors } = await world.gateway.query(
      '{ nodes(ids: ["ftjob-1", "ftjob-2", "ftjob-3"]) { ... on FineTuningJob { model { id } } } }',
    );
    expect(data).toEqual({ nodes: [{ model: { id: BASE } }, { model: null }, { model: null }] });
    expect(errors?.map(({ path, extensions }) => [path?.[1], extensions['code']])).toEqual([
      [1, 'UPSTREAM_UNAVAILABLE'],
      [2, 'UPSTREAM_UNAVAILABLE'],
    ]);
  });

  it('are not read for a job without a fine-tuned model', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    expect(await world.ask('{ fineTuningJob(id: "ftjob-1") { fineTunedModelId fineTunedModel { id } } }')).toEqual({
      fineTuningJob: { fineTunedModelId: null, fineTunedModel: null },
    });
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1']);
  });
});

describe('models', () => {
  const MODELS = [
    modelBody('base-old', { created: 1_700_000_000, owned_by: 'system' }),
    modelBody(TUNED, { created: 1_760_000_000, owned_by: 'acme' }),
    modelBody('base-new', { created: 1_750_000_000, owned_by: 'system' }),
    modelBody('ft:base-old:other::1', { created: 1_710_000_000, owned_by: 'other' }),
    { id: 'timeless', owned_by: 'system' },
  ];
  interface Connection {
    edges: { node: { id: string } | null }[];
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  }
  const PAGE = `query ($first: Int, $after: String, $filter: ModelFilter) {
    models(first: $first, after: $after, filter: $filter) { edges { node { id } } pageInfo { hasNextPage endCursor } }
  }`;
  const idsOf = ({ edges }: Connection) => edges.map(({ node }) => node?.id);

  it.each([
    ['no filter', null, [TUNED, 'base-new', 'ft:base-old:other::1', 'base-old', 'timeless']],
    ['an empty filter', {}, [TUNED, 'base-new', 'ft:base-old:other::1', 'base-old', 'timeless']],
    ['the fine-tuned ones', { isFineTuned: true }, [TUNED, 'ft:base-old:other::1']],
    ['the base models', { isFineTuned: false }, ['base-new', 'base-old', 'timeless']],
    ['those of an owner', { ownedBy: 'system' }, ['base-new', 'base-old', 'timeless']],
    ['both', { isFineTuned: true, ownedBy: 'acme' }, [TUNED]],
    ['an owner without models', { ownedBy: 'nobody' }, []],
  ])('are newest first, whatever the order of the upstream: %s', async (_, filter, ids) => {
    await using world = await startWorld();
    world.upstream.onModels(MODELS);
    const { models } = await world.ask(PAGE, { filter });
    expect(idsOf(models as Connection)).toEqual(ids);
  });

  it('are returned exactly once by following the cursors, in one upstream call', async () => {
    await using world = await startWorld();
    // Models of one release have the same creation time.
    const names = Array.from({ length: 23 }, (_, index) => `model-${String(index).padStart(2, '0')}`);
    world.upstream.onModels(names.map((id) => modelBody(id)));
    const found: (string | undefined)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage; ) {
      const models = (await world.ask(PAGE, { first: 5, after }))['models'] as Connection;
      found.push(...idsOf(models));
      ({ hasNextPage, endCursor: after } = models.pageInfo);
    }
    expect(found.toSorted()).toEqual(names);
    expect(world.targets()).toEqual(['/models']);
  });

  it('are paged with a filter too', async () => {
    await using world = await startWorld();
    world.upstream.onModels(MODELS);
    const filter = { ownedBy: 'system' };
    const first = (await world.ask(PAGE, { first: 2, filter }))['models'] as Connection;
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = (await world.ask(PAGE, { first: 2, filter, after: first.pageInfo.endCursor }))['models'];
    expect(second).toMatchObject({ edges: [{ node: { id: 'timeless' } }], pageInfo: { hasNextPage: false } });
  });

  it('continue after the end of a page whose last model was deleted', async () => {
    await using world = await startWorld();
    world.upstream.onModels(MODELS);
    const first = (await world.ask(PAGE, { first: 2 }))['models'] as Connection;
    expect(idsOf(first)).toEqual([TUNED, 'base-new']);
    world.upstream.onModels(MODELS.filter(({ id }) => id !== 'base-new'));
    world.clock.advance(1000);
    const second = (await world.ask(PAGE, { first: 5, after: first.pageInfo.endCursor }))['models'] as Connection;
    expect(idsOf(second)).toEqual(['ft:base-old:other::1', 'base-old', 'timeless']);
  });

  it('reject the cursor of another list, and name the argument', async () => {
    await using world = await startWorld();
    world.upstream.onModels(MODELS);
    const after = Buffer.from('model:gone').toString('base64url');
    const { data, errors } = await world.gateway.query(PAGE, { after });
    expect(data).toEqual({ models: null });
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', argument: 'after' });
  });

  it('report an error for each invalid model, after the valid ones', async () => {
    await using world = await startWorld();
    world.upstream.on('/models', { data: [{ created: 1 }, modelBody('a'), { id: 7 }, modelBody('b')] });
    const { data, errors } = await world.gateway.query(PAGE);
    const models = data?.['models'] as Connection | undefined;
    expect(models?.edges.map(({ node }) => node)).toEqual([{ id: 'b' }, { id: 'a' }, null, null]);
    expect(errors).toMatchObject(
      [2, 3].map((at) => ({
        path: ['models', 'edges', at, 'node'],
        extensions: { code: 'UPSTREAM_INVALID_RESPONSE' },
      })),
    );
  });

  it('end when only models without an id remain', async () => {
    await using world = await startWorld();
    world.upstream.on('/models', { data: [{}, modelBody('a'), {}, {}, modelBody('b'), {}, {}] });
    const cursors: (string | null)[] = [];
    let after: string | null = null;
    for (let hasNextPage = true; hasNextPage && cursors.length < 10; ) {
      const { data } = await world.gateway.query(PAGE, { first: 2, after });
      const models = data?.['models'] as Connection | undefined;
      after = models?.pageInfo.endCursor ?? null;
      hasNextPage = models?.pageInfo.hasNextPage === true;
      cursors.push(after);
    }
    expect(cursors).toHaveLength(2);
  });

  it('are complete when the server sends has_more, which this endpoint does not have', async () => {
    await using world = await startWorld();
    world.upstream.on('/models', { data: [modelBody('a')], has_more: true });
    const { models } = await world.ask(PAGE);
    expect(models).toMatchObject({ edges: [{ node: { id: 'a' } }], pageInfo: { hasNextPage: false } });
  });
});
