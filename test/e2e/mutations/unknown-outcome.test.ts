import { expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import type { TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf, startSandboxWorld } from '../../kit/mutation/create-job.ts';

// A mutation whose response was lost may have taken effect: the next query reads the upstream, whatever the cache holds.

const LONG_CACHE = { CACHE_ACTIVE_MS: '60000' };
const UNKNOWN = { __typename: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN' };

async function mutate(gateway: TestGateway, mutation: string) {
  const { data, errors } = await gateway.query(`mutation { ${mutation} { __typename ... on Error { code } } }`);
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

it.each(['cancel', 'pause'])('queries show the effect of a %s that the upstream did not confirm', async (mutation) => {
  await using world = await startSandboxWorld();
  const gateway = await world.startGateway(LONG_CACHE);
  const id = String(idOf(await create(gateway, world.input)));
  const query = `{ fineTuningJob(id: "${id}") { status } node(id: "${id}") { ... on FineTuningJob { status } } }`;
  const statuses = async () => {
    const { data } = await gateway.query(query);
    return [Object(data).fineTuningJob.status, Object(data).node.status];
  };
  if (mutation === 'pause') {
    while ((await statuses())[0] !== 'RUNNING') world.clock.advance(60_000);
  }
  const [before] = await statuses();
  world.clock.advance(1); // Observations have timestamps in milliseconds.
  world.sandbox.faults.onNext('POST', `/fine_tuning/jobs/${id}/${mutation}`, 'cut_before_response');
  expect(await mutate(gateway, `${mutation}FineTuningJob(input: { jobId: "${id}" })`)).toEqual(UNKNOWN);
  const after = mutation === 'cancel' ? 'CANCELLED' : 'PAUSING';
  expect(before).not.toBe(after);
  expect(await statuses()).toEqual([after, after]);
});

it('the list of files shows an upload that the upstream did not confirm', async () => {
  await using world = await startSandboxWorld();
  const gateway = await world.startGateway(LONG_CACHE);
  const names = async () => JSON.stringify(await gateway.query('{ files(first: 5) { edges { node { filename } } } }'));
  expect(await names()).not.toContain('unconfirmed.jsonl');
  world.sandbox.faults.onNext('POST', '/files', 'cut_before_response');
  const { outcome } = await upload(gateway.url, trainingLines(10), { filename: 'unconfirmed.jsonl' });
  expect(outcome).toMatchObject(UNKNOWN);
  expect(await names()).toContain('unconfirmed.jsonl');
});

it('the list of permissions shows a permission that the upstream did not confirm', async () => {
  await using world = await startSandboxWorld();
  const gateway = await world.startGateway({ ...LONG_CACHE, OPENAI_ADMIN_KEY: world.sandbox.adminKey });
  const query = `{ fineTuningJobs(filter: { statuses: [SUCCEEDED] }, first: 1) { edges { node { checkpoints(first: 1) { edges { node {
    fineTunedModelId permissions { edges { node { projectId } } }
  } } } } } } }`;
  const read = async () => {
    const { data } = await gateway.query(query);
    const { fineTunedModelId, permissions } = Object(data).fineTuningJobs.edges[0].node.checkpoints.edges[0].node;
    return {
      model: fineTunedModelId,
      projects: permissions.edges.map((edge: typeof permissions) => edge.node.projectId),
    };
  };
  const { model, projects } = await read();
  expect(projects).toEqual([]);
  const path = `/fine_tuning/checkpoints/${encodeURIComponent(model)}/permissions`;
  world.sandbox.faults.onNext('POST', path, 'cut_before_response');
  const input = `{ fineTunedModelId: "${model}", projectIds: ["proj_a"] }`;
  expect(await mutate(gateway, `createCheckpointPermissions(input: ${input})`)).toEqual(UNKNOWN);
  expect((await read()).projects).toEqual(['proj_a']);
});
