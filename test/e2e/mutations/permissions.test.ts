import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';

const CREATE = `mutation ($model: ID!, $projects: [ID!]!) {
  createCheckpointPermissions(input: { fineTunedModelId: $model, projectIds: $projects }) {
    __typename
    ... on Error { message code }
    ... on InvalidInputError { issues { path message } }
    ... on CreateCheckpointPermissionsSuccess { permissions { id projectId createdAt fineTunedModelId } }
  }
}`;
const DELETE = `mutation ($model: ID!, $id: ID!) {
  deleteCheckpointPermission(input: { fineTunedModelId: $model, permissionId: $id }) {
    __typename
    ... on Error { message code }
    ... on DeleteCheckpointPermissionSuccess { deletedPermissionId }
  }
}`;
const READ = `query ($first: Int, $after: String, $project: ID) {
  fineTuningJobs(first: 1, filter: { statuses: [SUCCEEDED] }) { edges { node {
    checkpoints(first: 1) { edges { node {
      id fineTunedModelId
      permissions(first: $first, after: $after, projectId: $project) {
        edges { node { id projectId } } pageInfo { hasNextPage endCursor }
      }
    } } }
  } } }
}`;

/** The checkpoint of the query above, and the errors beside it. */
async function read(gateway: TestGateway, variables: Record<string, unknown> = {}) {
  const { data, errors } = await gateway.query(READ, variables);
  const checkpoint = Object(data).fineTuningJobs.edges[0].node.checkpoints.edges[0].node;
  return { model: String(checkpoint.fineTunedModelId), permissions: checkpoint.permissions, errors };
}

const projectsOf = (permissions: { edges: { node: { projectId: string } }[] }) =>
  permissions.edges.map(({ node }) => node.projectId);

async function change(gateway: TestGateway, mutation: string, variables: Record<string, unknown>) {
  const { data, errors } = await gateway.query(mutation, variables);
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

/** A gateway before a scripted upstream, whose calls of any kind are answered by `script`. */
async function startScripted(settings: Record<string, string>) {
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...settings });
  const close = async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  };
  return { upstream, gateway, [Symbol.asyncDispose]: close };
}

const ADMIN_KEY = { OPENAI_ADMIN_KEY: 'an-admin-key-for-tests' };

describe('the permissions of a checkpoint', () => {
  it('are given and taken away, and every query shows it at once', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model, permissions } = await read(gateway);
    expect(permissions.edges).toEqual([]);
    const created = await change(gateway, CREATE, { model, projects: ['proj_a', 'proj_b'] });
    expect(created).toEqual({
      __typename: 'CreateCheckpointPermissionsSuccess',
      permissions: ['proj_a', 'proj_b'].map((projectId) => ({
        id: expect.stringMatching(/^cp_/),
        projectId,
        createdAt: Date.UTC(2026, 0, 1) / 1000,
        fineTunedModelId: model,
      })),
    });
    expect(projectsOf((await read(gateway)).permissions)).toEqual(['proj_b', 'proj_a']);
    const [{ id }] = Object(created).permissions;
    expect(await change(gateway, DELETE, { model, id })).toEqual({
      __typename: 'DeleteCheckpointPermissionSuccess',
      deletedPermissionId: id,
    });
    expect(projectsOf((await read(gateway)).permissions)).toEqual(['proj_b']);
    expect(await change(gateway, DELETE, { model, id })).toMatchObject({
      __typename: 'NotFoundError',
      message: `permissionId: expected the id of a permission of this checkpoint, got "${id}".`,
    });
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'createCheckpointPermissions', id: model, outcome: 'Success' },
      { mutation: 'deleteCheckpointPermission', id, outcome: 'Success' },
      { mutation: 'deleteCheckpointPermission', id, outcome: 'NotFound' },
    ]);
  });

  it('are read page by page, or of one project', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model } = await read(gateway);
    await change(gateway, CREATE, { model, projects: ['proj_a', 'proj_b', 'proj_c'] });
    const { permissions: page } = await read(gateway, { first: 2 });
    expect(projectsOf(page)).toEqual(['proj_c', 'proj_b']);
    expect(page.pageInfo.hasNextPage).toBe(true);
    const { permissions: rest } = await read(gateway, { first: 2, after: page.pageInfo.endCursor });
    expect(projectsOf(rest)).toEqual(['proj_a']);
    expect(projectsOf((await read(gateway, { project: 'proj_b' })).permissions)).toEqual(['proj_b']);
  });

  it('name all that is wrong with the projects, and a model that is no checkpoint, without harm', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model } = await read(gateway);
    expect(await change(gateway, CREATE, { model, projects: ['', 'proj_a', '../x'] })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['projectIds', '0'] }, { path: ['projectIds', '2'] }],
    });
    expect(await change(gateway, CREATE, { model, projects: [] })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['projectIds'] }],
    });
    for (const none of ['ft:none', '../files', 'gpt-4.1-2025-04-14'])
      expect(await change(gateway, CREATE, { model: none, projects: ['proj_a'] })).toMatchObject({
        __typename: 'NotFoundError',
        message: `fineTunedModelId: expected the name of the model of a checkpoint, got "${none}".`,
      });
    expect((await read(gateway)).permissions.edges).toEqual([]);
  });
});

describe('without the key of an administrator', () => {
  it('nobody reads or changes permissions, which says what is missing, and no call is made', async () => {
    await using world = await startScripted({});
    const missing = {
      __typename: 'ForbiddenError',
      code: 'FORBIDDEN',
      message:
        'OPENAI_ADMIN_KEY: is not set; this operation needs the key of an administrator, such as sk-admin-abc123.',
    };
    expect(await change(world.gateway, CREATE, { model: 'ft:m', projects: ['proj_a'] })).toEqual(missing);
    expect(await change(world.gateway, DELETE, { model: 'ft:m', id: 'cp_1' })).toEqual(missing);
    expect(world.upstream.calls).toEqual([]);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded' })]);
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: 'ft:m' })]);
    const { model, permissions, errors } = await read(world.gateway);
    expect([model, permissions]).toEqual(['ft:m', null]);
    expect(errors).toMatchObject([{ message: missing.message, extensions: { code: 'UPSTREAM_FORBIDDEN' } }]);
    expect(world.upstream.calls).toHaveLength(2);
  });
});

describe('with a key of an administrator', () => {
  it('that key, and no other call, asks for permissions', async () => {
    await using world = await startScripted(ADMIN_KEY);
    world.upstream.on('/fine_tuning/checkpoints/ft%3Am/permissions', {
      data: [{ id: 'cp_1', created_at: 1, project_id: 'proj_a' }, { id: 'cp_2' }],
      has_more: false,
    });
    const { data, errors } = await world.gateway.query(CREATE, { model: 'ft:m', projects: ['proj_a', 'proj_b'] });
    expect(Object(data).createCheckpointPermissions.permissions).toEqual([
      expect.objectContaining({ id: 'cp_1' }),
      null,
    ]);
    expect(errors).toMatchObject([
      { path: ['createCheckpointPermissions', 'permissions', 1], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } },
    ]);
    await world.gateway.query('{ models { edges { node { id } } } }');
    expect(world.upstream.calls.map(({ authorization }) => authorization)).toEqual([
      `Bearer ${ADMIN_KEY.OPENAI_ADMIN_KEY}`,
      expect.not.stringContaining(ADMIN_KEY.OPENAI_ADMIN_KEY),
    ]);
  });

  it('a refusal of the upstream is told as such, and an unknown outcome as that', async () => {
    await using world = await startScripted(ADMIN_KEY);
    const variables = { model: 'ft:m', projects: ['proj_a'] };
    world.upstream.failAll((_, response) => answer(response, 403, { error: { message: 'no' } }));
    expect(await change(world.gateway, CREATE, variables)).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_FORBIDDEN',
    });
    world.upstream.failAll((_, response) => response.destroy());
    expect(await change(world.gateway, CREATE, variables)).toMatchObject({ __typename: 'OutcomeUnknownError' });
  });
});
