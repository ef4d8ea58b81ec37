import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const FINE_TUNED = 'ft:gpt-4.1-mini-2025-04-14:acme::abc123';
const QUERY = `{
  viewer { canCreateFineTuningJobs createFineTuningJobDenial canUploadFiles uploadFileDenial }
  file(id: "file-1") { viewerCanDelete deleteDenial }
  model(id: "${FINE_TUNED}") { viewerCanDelete deleteDenial }
  base: model(id: "gpt-4.1-mini") { viewerCanDelete deleteDenial }
  fineTuningJob(id: "ftjob-1") { viewerCanCancel cancelDenial viewerCanPause pauseDenial viewerCanResume resumeDenial }
}`;
const CREATE = `mutation { createFineTuningJob(input: { modelId: "gpt-4.1-mini", trainingFileId: "file-1" }) { __typename } }`;

/** A gateway for callers of each role, before an upstream with a running job, a file and two models. */
async function start(settings: Record<string, string>) {
  const { file, tokens } = tokenFile({ viewer: 'viewer', operator: 'operator', admin: 'admin' });
  const world = await startWorld({ AUTH: 'tokens', AUTH_TOKENS_FILE: file, ...settings });
  const job = jobBody({ id: 'ftjob-1', status: 'running' });
  world.upstream.onJob(job);
  world.upstream.on('/fine_tuning/jobs', job); // The response to a create.
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.onModels([modelBody(FINE_TUNED), modelBody('gpt-4.1-mini')]);
  const askFor = async (role: keyof typeof tokens, query = QUERY) =>
    (await askAs(world.gateway.url, `Bearer ${tokens[role]}`, query)).data;
  return { ...world, askFor, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** The fields for one reason per action; null where it is allowed. */
const expected = (
  create: string | null,
  upload: string | null,
  file: string | null,
  model: string | null,
  job: (string | null)[],
) => ({
  viewer: {
    canCreateFineTuningJobs: create === null,
    createFineTuningJobDenial: create,
    canUploadFiles: upload === null,
    uploadFileDenial: upload,
  },
  file: { viewerCanDelete: file === null, deleteDenial: file },
  model: { viewerCanDelete: model === null, deleteDenial: model },
  base: { viewerCanDelete: false, deleteDenial: 'BASE_MODEL' },
  fineTuningJob: {
    viewerCanCancel: job[0] === null,
    cancelDenial: job[0],
    viewerCanPause: job[1] === null,
    pauseDenial: job[1],
    viewerCanResume: job[2] === null,
    resumeDenial: job[2],
  },
});

describe('what the viewer can do', () => {
  it.each([
    ['viewer', expected('ROLE', 'ROLE', 'ROLE', 'ROLE', ['ROLE', 'ROLE', 'ROLE'])],
    ['operator', expected(null, null, null, 'ROLE', [null, null, 'STATUS'])],
    ['admin', expected(null, null, null, null, [null, null, 'STATUS'])],
  ] as const)('depends on its role, also after callers of other roles: %s', async (role, data) => {
    await using world = await start({ ALLOW_MUTATIONS: 'on' });
    for (const other of ['viewer', 'operator', 'admin'] as const) await world.askFor(other);
    expect(await world.askFor(role)).toEqual(data);
  });

  it('is nothing while mutations are off', async () => {
    await using world = await start({});
    const off = 'MUTATIONS_OFF';
    expect(await world.askFor('admin')).toEqual(expected(off, off, off, off, [off, off, off]));
  });

  it('does not include creates after the last of the day, at once and for this caller only', async () => {
    await using world = await start({ ALLOW_MUTATIONS: 'on', MAX_CREATES_PER_DAY: '1' });
    const denial = async (role: 'operator' | 'admin') =>
      Object(await world.askFor(role)).viewer.createFineTuningJobDenial;
    expect(await denial('operator')).toBeNull();
    expect(await world.askFor('operator', CREATE)).toEqual({
      createFineTuningJob: { __typename: 'CreateFineTuningJobSuccess' },
    });
    expect(await denial('operator')).toBe('DAILY_QUOTA');
    expect(await denial('admin')).toBeNull();
    world.clock.advance(86_400_000);
    expect(await denial('operator')).toBeNull();
  });
});
