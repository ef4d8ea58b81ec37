import { expect, it } from 'vitest';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import type { TestGateway } from '../../kit/gateway/gateway.ts';
import { create, idOf, startSite } from '../../kit/mutation/create-job.ts';

// A change whose answer was lost is shown all the same as soon as it is asked for, however long answers are kept.

const KEPT_LONG = { CACHE_ACTIVE_MS: '60000' };
const UNKNOWN = { __typename: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN' };

async function change(gateway: TestGateway, mutation: string) {
  const { data, errors } = await gateway.query(`mutation { ${mutation} { __typename ... on Error { code } } }`);
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

it.each(['cancel', 'pause'])('a %s in doubt is in every query about the job', async (mutation) => {
  await using site = await startSite();
  const gateway = await site.open(KEPT_LONG);
  const id = String(idOf(await create(gateway, site.input)));
  const query = `{ fineTuningJob(id: "${id}") { status } node(id: "${id}") { ... on FineTuningJob { status } } }`;
  const statuses = async () => {
    const { data } = await gateway.query(query);
    return [Object(data).fineTuningJob.status, Object(data).node.status];
  };
  if (mutation === 'pause') {
    while ((await statuses())[0] !== 'RUNNING') site.clock.advance(60_000);
  }
  const [before] = await statuses();
  site.clock.advance(1); // Sights are told apart by the millisecond.
  site.sandbox.faults.onNext('POST', `/fine_tuning/jobs/${id}/${mutation}`, 'cut_before_answer');
  expect(await change(gateway, `${mutation}FineTuningJob(input: { jobId: "${id}" })`)).toEqual(UNKNOWN);
  const after = mutation === 'cancel' ? 'CANCELLED' : 'PAUSING';
  expect(before).not.toBe(after);
  expect(await statuses()).toEqual([after, after]);
});

it('an upload in doubt is in every list', async () => {
  await using site = await startSite();
  const gateway = await site.open(KEPT_LONG);
  const names = async () => JSON.stringify(await gateway.query('{ files(first: 5) { edges { node { filename } } } }'));
  expect(await names()).not.toContain('doubted.jsonl');
  site.sandbox.faults.onNext('POST', '/files', 'cut_before_answer');
  const { outcome } = await upload(gateway.url, trainingLines(10), { filename: 'doubted.jsonl' });
  expect(outcome).toMatchObject(UNKNOWN);
  expect(await names()).toContain('doubted.jsonl');
});

it('a permission in doubt is in every list', async () => {
  await using site = await startSite();
  const gateway = await site.open({ ...KEPT_LONG, OPENAI_ADMIN_KEY: site.sandbox.adminKey });
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
  site.sandbox.faults.onNext('POST', path, 'cut_before_answer');
  const input = `{ fineTunedModelId: "${model}", projectIds: ["proj_a"] }`;
  expect(await change(gateway, `createCheckpointPermissions(input: ${input})`)).toEqual(UNKNOWN);
  expect((await read()).projects).toEqual(['proj_a']);
});
