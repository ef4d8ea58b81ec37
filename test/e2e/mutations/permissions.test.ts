import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

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

/** The model id and the permissions of the checkpoint in READ, with the errors of the response. */
async function read(gateway: TestGateway, variables: Record<string, unknown> = {}) {
  const { data, errors } = await gateway.query(READ, variables);
  const checkpoint = Object(data).fineTuningJobs.edges[0].node.checkpoints.edges[0].node;
  return { model: String(checkpoint.fineTunedModelId), permissions: checkpoint.permissions, errors };
}

const projectsOf = (permissions: { edges: { node: { projectId: string } }[] }) =>
  permissions.edges.map(({ node }) => node.projectId);

async function mutate(gateway: TestGateway, mutation: string, variables: Record<string, unknown>) {
  const { data, errors } = await gateway.query(mutation, variables);
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

/** A gateway that allows mutations, in front of a scripted upstream. */
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
  it('are created and deleted, and the next query shows it', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model, permissions } = await read(gateway);
    expect(permissions.edges).toEqual([]);
    const created = await mutate(gateway, CREATE, { model, projects: ['proj_a', 'proj_b'] });
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
    expect(await mutate(gateway, DELETE, { model, id })).toEqual({
      __typename: 'DeleteCheckpointPermissionSuccess',
      deletedPermissionId: id,
    });
    expect(projectsOf((await read(gateway)).permissions)).toEqual(['proj_b']);
    expect(await mutate(gateway, DELETE, { model, id })).toMatchObject({
      __typename: 'NotFoundError',
      message: `permissionId: no permission of this checkpoint has the id "${id}"; expected an existing id, such as cp_abc123.`,
    });
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'createCheckpointPermissions', id: model, outcome: 'Success' },
      { mutation: 'deleteCheckpointPermission', id, outcome: 'Success' },
      { mutation: 'deleteCheckpointPermission', id, outcome: 'NotFound' },
    ]);
  });

  it('are read by pages, and by project', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model } = await read(gateway);
    await mutate(gateway, CREATE, { model, projects: ['proj_a', 'proj_b', 'proj_c'] });
    const { permissions: page } = await read(gateway, { first: 2 });
    expect(projectsOf(page)).toEqual(['proj_c', 'proj_b']);
    expect(page.pageInfo.hasNextPage).toBe(true);
    const { permissions: rest } = await read(gateway, { first: 2, after: page.pageInfo.endCursor });
    expect(projectsOf(rest)).toEqual(['proj_a']);
    expect(projectsOf((await read(gateway, { project: 'proj_b' })).permissions)).toEqual(['proj_b']);
  });

  it('are not created for invalid projects or for a model that is no checkpoint', async () => {
    await using gateway = await startGateway({}, createTestClock());
    const { model } = await read(gateway);
    expect(await mutate(gateway, CREATE, { model, projects: ['', 'proj_a', '../x'] })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: ['0', '2'].map((index) => ({
        path: ['projectIds', index],
        message: 'is not a valid id; expected the id of a project, such as proj_abc123',
      })),
    });
    expect(await mutate(gateway, CREATE, { model, projects: [] })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['projectIds'], message: 'is empty; expected at least one project id, such as proj_abc123' }],
    });
    for (const none of ['ft:none', '../files', 'gpt-4.1-2025-04-14'])
      expect(await mutate(gateway, CREATE, { model: none, projects: ['proj_a'] })).toMatchObject({
        __typename: 'NotFoundError',
        message: expect.stringMatching(
          /^fineTunedModelId: no checkpoint model has the id ".+"; expected an existing id, such as ft:/,
        ),
      });
    expect((await read(gateway)).permissions.edges).toEqual([]);
  });
});

describe('without OPENAI_ADMIN_KEY', () => {
  it('permissions are not read or changed, the message names the setting, and no call is made', async () => {
    await using world = await startScripted({});
    const missing = {
      __typename: 'ForbiddenError',
      code: 'FORBIDDEN',
      message:
        'OPENAI_ADMIN_KEY: is not set; this operation needs the key of an administrator, such as sk-admin-abc123.',
    };
    expect(await mutate(world.gateway, CREATE, { model: 'ft:m', projects: ['proj_a'] })).toEqual(missing);
    expect(await mutate(world.gateway, DELETE, { model: 'ft:m', id: 'cp_1' })).toEqual(missing);
    expect(world.upstream.calls).toEqual([]);
    world.upstream.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded' })]);
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: 'ft:m' })]);
    const { model, permissions, errors } = await read(world.gateway);
    expect([model, permissions]).toEqual(['ft:m', null]);
    expect(errors).toMatchObject([{ message: missing.message, extensions: { code: 'UPSTREAM_FORBIDDEN' } }]);
    expect(world.upstream.calls).toHaveLength(2);
  });
});

describe('with OPENAI_ADMIN_KEY', () => {
  it('calls about permissions, and no others, use that key', async () => {
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

  it('a rejection by the upstream and an unconfirmed request are distinct failures', async () => {
    await using world = await startScripted(ADMIN_KEY);
    const variables = { model: 'ft:m', projects: ['proj_a'] };
    world.upstream.failAll((_, response) => writeResponse(response, 403, { error: { message: 'no' } }));
    expect(await mutate(world.gateway, CREATE, variables)).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_FORBIDDEN',
    });
    world.upstream.failAll((_, response) => response.destroy());
    expect(await mutate(world.gateway, CREATE, variables)).toMatchObject({ __typename: 'OutcomeUnknownError' });
  });
});
