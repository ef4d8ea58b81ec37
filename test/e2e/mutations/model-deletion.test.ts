import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const DELETE = `mutation ($id: ID!) { deleteModel(input: { modelId: $id }) {
  __typename
  ... on DeleteModelSuccess { deletedModelId }
  ... on Error { message code }
  ... on UpstreamError { upstreamStatus }
} }`;
const JOBS = `{ fineTuningJobs(filter: { statuses: [SUCCEEDED] }) { edges { node { id fineTunedModelId fineTunedModel { id } } } } }`;
const MODEL = `query ($id: ID!) { model(id: $id) { id } node(id: $id) { id } models(first: 100) { edges { node { id } } } }`;

async function deleteModel(gateway: TestGateway, id: string) {
  const { data, errors } = await gateway.query(DELETE, { id });
  expect(errors).toBeUndefined();
  return data?.['deleteModel'];
}

/** The results of the three fields that can show a model. */
async function find(gateway: TestGateway, id: string) {
  const { data } = await gateway.query(MODEL, { id });
  const { model, node, models } = Object(data);
  const isListed = models.edges.some((edge: { node: { id: string } }) => edge.node.id === id);
  return [model?.id, node?.id, isListed];
}

describe('a fine-tuned model', () => {
  it('is deleted once, and the next query shows it', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { data: jobs } = await gateway.query(JOBS);
    const [{ node: job }] = Object(jobs).fineTuningJobs.edges;
    const id = String(job.fineTunedModelId);
    expect(job.fineTunedModel).toEqual({ id });
    expect(await find(gateway, id)).toEqual([id, id, true]);
    expect(await deleteModel(gateway, id)).toEqual({ __typename: 'DeleteModelSuccess', deletedModelId: id });
    expect(await find(gateway, id)).toEqual([undefined, undefined, false]);
    const { data: after } = await gateway.query(JOBS);
    expect(Object(after).fineTuningJobs.edges[0].node).toEqual({ ...job, fineTunedModel: null });
    expect(await deleteModel(gateway, id)).toMatchObject({
      __typename: 'NotFoundError',
      message: `modelId: no model has the id "${id}"; expected an existing id, such as ft:gpt-4.1-mini-2025-04-14:acme::abc123.`,
    });
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'deleteModel', id, outcome: 'Success' },
      { mutation: 'deleteModel', id, outcome: 'NotFound' },
    ]);
  });

  it('can be deleted, a base model cannot', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const id = 'gpt-4.1-2025-04-14';
    expect(await deleteModel(gateway, id)).toMatchObject({ __typename: 'UpstreamError', upstreamStatus: 403 });
    expect((await find(gateway, id)).slice(0, 2)).toEqual([id, id]);
  });
});

describe('a deletion that the upstream did not confirm', () => {
  it('returns OutcomeUnknownError, and the next query reads the upstream, whatever the cache holds', async () => {
    await using upstream = await startUpstream();
    upstream.onModels([{ id: 'ft:m', created: 1, owned_by: 'org-a' }]);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on' });
    const read = async () => (await gateway.query('{ model(id: "ft:m") { id } }')).data;
    expect([await read(), await read()]).toEqual([{ model: { id: 'ft:m' } }, { model: { id: 'ft:m' } }]);
    expect(upstream.calls).toHaveLength(1);
    upstream.failAll((_, response) => response.destroy());
    expect(await deleteModel(gateway, 'ft:m')).toMatchObject({ __typename: 'OutcomeUnknownError' });
    upstream.failAll((_, response) => writeResponse(response, 404, { error: { message: 'No such model', code: 'x' } }));
    expect(await read()).toEqual({ model: null });
  });
});
