import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';

const DELETE = `mutation ($id: ID!) { deleteModel(input: { modelId: $id }) {
  __typename
  ... on DeleteModelSuccess { deletedModelId }
  ... on Error { message code }
  ... on UpstreamError { upstreamStatus }
} }`;
const JOBS = `{ fineTuningJobs(filter: { statuses: [SUCCEEDED] }) { edges { node { id fineTunedModelId fineTunedModel { id } } } } }`;
const MODEL = `query ($id: ID!) { model(id: $id) { id } node(id: $id) { id } models(first: 100) { edges { node { id } } } }`;

async function remove(gateway: TestGateway, id: string) {
  const { data, errors } = await gateway.query(DELETE, { id });
  expect(errors).toBeUndefined();
  return data?.['deleteModel'];
}

/** Where a model is shown. */
async function shown(gateway: TestGateway, id: string) {
  const { data } = await gateway.query(MODEL, { id });
  const { model, node, models } = Object(data);
  const isListed = models.edges.some((edge: { node: { id: string } }) => edge.node.id === id);
  return [model?.id, node?.id, isListed];
}

describe('a fine-tuned model', () => {
  it('is deleted once, and every query shows it at once', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { data: jobs } = await gateway.query(JOBS);
    const [{ node: job }] = Object(jobs).fineTuningJobs.edges;
    const id = String(job.fineTunedModelId);
    expect(job.fineTunedModel).toEqual({ id });
    expect(await shown(gateway, id)).toEqual([id, id, true]);
    expect(await remove(gateway, id)).toEqual({ __typename: 'DeleteModelSuccess', deletedModelId: id });
    expect(await shown(gateway, id)).toEqual([undefined, undefined, false]);
    const { data: after } = await gateway.query(JOBS);
    expect(Object(after).fineTuningJobs.edges[0].node).toEqual({ ...job, fineTunedModel: null });
    expect(await remove(gateway, id)).toMatchObject({
      __typename: 'NotFoundError',
      message: `modelId: expected the name of a model, got "${id}".`,
    });
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'deleteModel', id, outcome: 'Success' },
      { mutation: 'deleteModel', id, outcome: 'NotFound' },
    ]);
  });

  it('is all that can be deleted', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const id = 'gpt-4.1-2025-04-14';
    expect(await remove(gateway, id)).toMatchObject({ __typename: 'UpstreamError', upstreamStatus: 403 });
    expect((await shown(gateway, id)).slice(0, 2)).toEqual([id, id]);
  });
});

describe('a deletion of which nobody knows whether it was done', () => {
  it('says so, and the next look asks the upstream, however long a model is kept', async () => {
    await using upstream = await startUpstream();
    upstream.onModels([{ id: 'ft:m', created: 1, owned_by: 'org-a' }]);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on' });
    const look = async () => (await gateway.query('{ model(id: "ft:m") { id } }')).data;
    expect([await look(), await look()]).toEqual([{ model: { id: 'ft:m' } }, { model: { id: 'ft:m' } }]);
    expect(upstream.calls).toHaveLength(1);
    upstream.failAll((_, response) => response.destroy());
    expect(await remove(gateway, 'ft:m')).toMatchObject({ __typename: 'OutcomeUnknownError' });
    upstream.failAll((_, response) => answer(response, 404, { error: { message: 'No such model', code: 'x' } }));
    expect(await look()).toEqual({ model: null });
  });
});
