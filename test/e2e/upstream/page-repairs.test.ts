import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const FILES = `query ($after: String) { files(first: 3, after: $after) { edges { node { id } } pageInfo { hasNextPage } } }`;
const afterFile = (id: string) => Buffer.from(`file:${id}`).toString('base64url');

async function filesOf(body: unknown, after: string | null = null) {
  await using world = await startWorld();
  world.upstream.on('/files', body);
  const { files } = await world.ask<{
    files: { edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean } };
  }>(FILES, { after });
  return { ids: files.edges.map(({ node }) => node.id), hasNextPage: files.pageInfo.hasNextPage };
}

const [a, b, c] = ['file-a', 'file-b', 'file-c'].map((id) => fileBody(id));

describe('a page', () => {
  it('has an item once that the server sends twice', async () => {
    expect(await filesOf({ data: [a, a, b, a], has_more: false })).toEqual({
      ids: ['file-a', 'file-b'],
      hasNextPage: false,
    });
  });

  it('has an event and a model once that the server sends twice', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const event = eventBody('ftevent-1');
    world.upstream.on('/fine_tuning/jobs/ftjob-1/events', { data: [event, event], has_more: false });
    world.upstream.on('/models', { data: [modelBody('a'), modelBody('a')] });
    expect(
      await world.ask(
        '{ fineTuningJob(id: "ftjob-1") { events { edges { node { id } } } } models { edges { node { id } } } }',
      ),
    ).toEqual({
      fineTuningJob: { events: { edges: [{ node: { id: 'ftevent-1' } }] } },
      models: { edges: [{ node: { id: 'a' } }] },
    });
  });

  it("does not have the cursor's own item", async () => {
    expect(await filesOf({ data: [a, b, c], has_more: true }, afterFile('file-a'))).toEqual({
      ids: ['file-b', 'file-c'],
      hasNextPage: true,
    });
  });

  it.each([
    ['"true"', 'true', true],
    ['"True"', 'True', true],
    ['1', 1, true],
    ['"false"', 'false', false],
    ['0', 0, false],
    ['null', null, true],
  ])('has a next page as `has_more: %s` says', async (_, has_more, hasNextPage) => {
    expect(
      await filesOf({ data: Array.from({ length: 10 }, (__, n) => fileBody(`file-${n}`)).slice(0, 3), has_more }),
    ).toEqual({
      ids: ['file-0', 'file-1', 'file-2'],
      hasNextPage: has_more === null ? false : hasNextPage,
    });
  });
});

describe('members without a value', () => {
  it('drops nulls, empty and repeated ids from lists', async () => {
    await using world = await startWorld();
    const wandb = { project: 'p', name: '', entity: '', run_id: '', tags: ['x', null, ''] };
    const integrations = [null, { type: 'wandb', wandb }];
    world.upstream.onJob(
      jobBody({ id: 'ftjob-1', result_files: ['file-a', null, '', 'file-a', 'file-b'], integrations }),
    );
    const selection =
      'resultFileIds integrations { ... on FineTuningJobWandbIntegration { project name entity tags runId } }';
    expect(await world.ask(`{ fineTuningJob(id: "ftjob-1") { ${selection} } }`)).toEqual({
      fineTuningJob: {
        resultFileIds: ['file-a', 'file-b'],
        integrations: [{ project: 'p', name: null, entity: null, tags: ['x'], runId: null }],
      },
    });
  });

  it('are null when the server sends empty texts', async () => {
    await using world = await startWorld();
    const texts = [
      'organization_id',
      'suffix',
      'user_provided_suffix',
      'validation_file',
      'training_file',
      'fine_tuned_model',
    ];
    world.upstream.onJob(
      jobBody({
        id: 'ftjob-1',
        ...Object.fromEntries(texts.map((name) => [name, ''])),
        error: { code: '', message: '', param: '' },
      }),
    );
    world.upstream.onFile(fileBody('file-a', { filename: '', status: '', status_details: '' }));
    world.upstream.onModel(modelBody('model-a', { owned_by: '' }));
    const event = eventBody('ftevent-1', { type: '' });
    world.upstream.on('/fine_tuning/jobs/ftjob-1/events', { data: [event], has_more: false });
    const job = `organizationId suffix validationFileId trainingFileId trainingFile { id } fineTunedModelId
      fineTunedModel { id } error { message } events { edges { node { type rawType } } }`;
    expect(
      await world.ask(`{ fineTuningJob(id: "ftjob-1") { ${job} }
        file(id: "file-a") { filename status rawStatus statusDetails } model(id: "model-a") { ownedBy } }`),
    ).toEqual({
      fineTuningJob: {
        organizationId: null,
        suffix: null,
        validationFileId: null,
        trainingFileId: null,
        trainingFile: null,
        fineTunedModelId: null,
        fineTunedModel: null,
        error: null,
        events: { edges: [{ node: { type: null, rawType: null } }] },
      },
      file: { filename: null, status: null, rawStatus: null, statusDetails: null },
      model: { ownedBy: null },
    });
  });

  it('shows the suffix that the server has, when the other one is empty', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', user_provided_suffix: '', suffix: 'bot' }));
    expect(await world.ask('{ fineTuningJob(id: "ftjob-1") { suffix } }')).toEqual({
      fineTuningJob: { suffix: 'bot' },
    });
  });
});
