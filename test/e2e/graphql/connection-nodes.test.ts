import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const FINE_TUNED = 'ft:gpt-4.1-mini-2025-04-14:acme::abc123';

describe('the nodes of a connection', () => {
  it('are those of its edges, for every list', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([jobBody({ id: 'ftjob-2' }), jobBody({ id: 'ftjob-1' })]);
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    world.upstream.onEvents('ftjob-1', [eventBody('b'), eventBody('a')]);
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1')]);
    world.upstream.onFiles([fileBody('file-1')]);
    world.upstream.onModels([modelBody('gpt-4.1-mini')]);
    const list = 'nodes { id } edges { node { id } }';
    const { fineTuningJob, ...lists } = await world.ask<Record<string, Record<string, unknown>>>(
      `{ fineTuningJobs { ${list} } files { ${list} } models { ${list} }
         fineTuningJob(id: "ftjob-1") { events { ${list} } checkpoints { ${list} } } }`,
    );
    const connections = { ...lists, ...fineTuningJob };
    expect(Object.keys(connections)).toHaveLength(5);
    for (const connection of Object.values(connections)) {
      const { nodes, edges } = connection as { nodes: unknown[]; edges: { node: unknown }[] };
      expect(nodes.length).toBeGreaterThan(0);
      expect(nodes).toEqual(edges.map(({ node }) => node));
    }
  });

  it('have null and an error for an invalid item only', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([jobBody({ id: 'ftjob-2' }), jobBody({ id: 'ftjob-1', status: 7 })]);
    const { data, errors } = await world.gateway.query('{ fineTuningJobs { nodes { id } } }');
    expect(data).toEqual({ fineTuningJobs: { nodes: [{ id: 'ftjob-2' }, null] } });
    expect(errors).toMatchObject([
      { path: ['fineTuningJobs', 'nodes', 1], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } },
    ]);
  });
});

describe('the job of a model', () => {
  const MODELS = '{ models { nodes { id fineTuningJob { id } } } }';
  const jobsOf = async (world: Awaited<ReturnType<typeof startWorld>>) => {
    const { models } = await world.ask<{ models: { nodes: { id: string; fineTuningJob: { id: string } | null }[] } }>(
      MODELS,
    );
    return new Map(models.nodes.map(({ id, fineTuningJob }) => [id, fineTuningJob?.id ?? null]));
  };

  it('is found for all models of a query by one scan, and is null for base models and unknown ones', async () => {
    await using world = await startWorld();
    const modelId = (number: number) => `${FINE_TUNED}-${number}`;
    world.upstream.onModels([
      ...[1, 2, 900, 5000].map((number) => modelBody(modelId(number))),
      modelBody('gpt-4.1-mini'),
    ]);
    world.upstream.onJobs(
      Array.from({ length: 2000 }, (_, index) =>
        jobBody({ id: `ftjob-${index}`, created_at: 1_760_000_000 - index, fine_tuned_model: modelId(index) }),
      ),
    );
    expect(await jobsOf(world)).toEqual(
      new Map([
        [modelId(1), 'ftjob-1'],
        [modelId(2), 'ftjob-2'],
        [modelId(900), 'ftjob-900'],
        [modelId(5000), null],
        ['gpt-4.1-mini', null],
      ]),
    );
    expect(world.upstream.calls).toHaveLength(1 + 10);
  });

  it('ends the scan at the last wanted job, and needs no call for base models', async () => {
    await using world = await startWorld();
    world.upstream.onModels([modelBody(FINE_TUNED), modelBody('gpt-4.1-mini')]);
    world.upstream.onJobs(
      Array.from({ length: 500 }, (_, index) =>
        jobBody({
          id: `ftjob-${index}`,
          created_at: 1_760_000_000 - index,
          fine_tuned_model: index === 150 ? FINE_TUNED : null,
        }),
      ),
    );
    expect((await jobsOf(world)).get(FINE_TUNED)).toBe('ftjob-150');
    expect(world.upstream.calls).toHaveLength(1 + 2);
    expect(await world.callsOf('{ model(id: "gpt-4.1-mini") { fineTuningJob { id } } }')).toEqual([]);
  });
});
