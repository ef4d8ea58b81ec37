import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const RAW = '{ fineTuningJob(id: "ftjob-1") { id raw status } }';
const PREVIEW = '{ file(id: "file-1") { id preview { text } bytes } }';

const JOB = jobBody({ id: 'ftjob-1' });

async function start() {
  const { file, tokens } = tokenFile({ vera: 'viewer', vic: 'viewer', otto: 'operator', ada: 'admin' });
  const world = await startWorld({
    AUTH: 'tokens',
    AUTH_TOKENS_FILE: file,
    OPENAI_ADMIN_KEY: 'an-admin-key-for-tests',
  });
  world.upstream.onJob(JOB);
  world.upstream.onJobs([JOB, jobBody({ id: 'ftjob-2' })]);
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.onContent('file-1', 'the beginning');
  const ask = async (name: keyof typeof tokens, query: string) => {
    const { data, errors } = await askAs(world.gateway.url, `Bearer ${tokens[name]}`, query);
    return { data, errors };
  };
  return { ...world, ask, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const forbidden = (path: (string | number)[], field: string) =>
  expect.objectContaining({
    path,
    message: `${field} needs the role operator; the caller has the role viewer.`,
    extensions: { code: 'FORBIDDEN' },
  });

describe('a viewer', () => {
  it('cannot read the raw upstream object, and gets its siblings', async () => {
    await using world = await start();
    expect(await world.ask('vera', RAW)).toEqual({
      data: { fineTuningJob: { id: 'ftjob-1', raw: null, status: 'RUNNING' } },
      errors: [forbidden(['fineTuningJob', 'raw'], 'FineTuningJob.raw')],
    });
  });

  it('cannot read file contents, makes no call for them, and gets their siblings', async () => {
    await using world = await start();
    expect(await world.ask('vera', PREVIEW)).toEqual({
      data: { file: { id: 'file-1', preview: null, bytes: 120_000 } },
      errors: [forbidden(['file', 'preview'], 'File.preview')],
    });
    expect(world.targets()).toEqual(['/files/file-1']);
  });

  it('cannot read them through aliases, fragments, lists, interfaces or directives', async () => {
    await using world = await start();
    const query = `query ($yes: Boolean = true) {
      node(id: "ftjob-1") { id ...Job }
      fineTuningJobs { edges { node { hidden: raw @include(if: $yes) } } }
    }
    fragment Job on FineTuningJob { ... on FineTuningJob { raw } }`;
    expect(await world.ask('vera', query)).toEqual({
      data: {
        node: { id: 'ftjob-1', raw: null },
        fineTuningJobs: { edges: [{ node: { hidden: null } }, { node: { hidden: null } }] },
      },
      errors: expect.arrayContaining([
        forbidden(['node', 'raw'], 'FineTuningJob.raw'),
        forbidden(['fineTuningJobs', 'edges', 0, 'node', 'hidden'], 'FineTuningJob.raw'),
        forbidden(['fineTuningJobs', 'edges', 1, 'node', 'hidden'], 'FineTuningJob.raw'),
      ]),
    });
  });

  it('does not get a response that was cached for an operator', async () => {
    await using world = await start();
    const result = await world.ask('otto', RAW);
    expect(result).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', raw: JOB, status: 'RUNNING' } } });
    expect((await world.ask('vera', RAW)).errors).toHaveLength(1);
    expect(await world.ask('otto', RAW)).toEqual(result);
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1']); // The cached job is shared.
  });
});

describe('the data of the metrics of a results file', () => {
  const METRICS = '{ fineTuningJob(id: "ftjob-1") { metrics { points { trainLoss data } } } }';
  const resultWith = (data: object) => ({
    data: { fineTuningJob: { metrics: { points: [{ trainLoss: 0.5, data }] } } },
  });

  it.each([
    ['vera', 'otto'],
    ['otto', 'vera'],
  ] as const)('has texts, which are contents of a file, from the role operator on: %s, then %s', async (...names) => {
    await using world = await start();
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ['file-results'] }));
    world.upstream.onContent('file-results', 'step,train_loss,score,example\n1,0.5,7,a private sentence\n');
    const numbers = { step: 1, train_loss: 0.5, score: 7 };
    for (const name of names) {
      const data = name === 'vera' ? numbers : { ...numbers, example: 'a private sentence' };
      expect(await world.ask(name, METRICS)).toEqual(resultWith(data));
      expect(await world.ask(name, METRICS)).toEqual(resultWith(data)); // From the cache of responses.
    }
  });
});

describe.each(['otto', 'ada'] as const)('%s, an operator or admin', (name) => {
  it('reads the raw upstream object and file contents', async () => {
    await using world = await start();
    expect(await world.ask(name, RAW)).toEqual({
      data: { fineTuningJob: { id: 'ftjob-1', raw: JOB, status: 'RUNNING' } },
    });
    expect(await world.ask(name, PREVIEW)).toEqual({
      data: { file: { id: 'file-1', preview: { text: 'the beginning' }, bytes: 120_000 } },
    });
  });
});

describe('the permissions of a checkpoint', () => {
  const QUERY =
    '{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { node { id permissions { edges { node { id } } } } } } } }';
  const PERMISSIONS = '/fine_tuning/checkpoints/ft%3Am/permissions';

  it('can be read by an admin, and by no other role, without a call', async () => {
    await using world = await start();
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: 'ft:m' })]);
    world.upstream.on(PERMISSIONS, { data: [{ id: 'cp_1', created_at: 1, project_id: 'proj_a' }], has_more: false });
    const resultWith = (permissions: object | null) => ({
      fineTuningJob: { checkpoints: { edges: [{ node: { id: 'ftckpt-1', permissions } }] } },
    });
    const expectForbidden = async (name: 'vera' | 'otto', role: string) => {
      const { data, errors } = await world.ask(name, QUERY);
      expect(data).toEqual(resultWith(null));
      expect(errors).toMatchObject([
        {
          message: `FineTuningJobCheckpoint.permissions needs the role admin; the caller has the role ${role}.`,
          extensions: { code: 'FORBIDDEN' },
        },
      ]);
    };
    await expectForbidden('vera', 'viewer');
    await expectForbidden('otto', 'operator');
    expect(world.targets()).not.toContain(PERMISSIONS);
    expect(await world.ask('ada', QUERY)).toEqual({ data: resultWith({ edges: [{ node: { id: 'cp_1' } }] }) });
    await expectForbidden('otto', 'operator'); // Not the response that was cached for an admin.
  });
});

describe('Query.viewer', () => {
  it('is the caller, though others of the same role have sent the same query', async () => {
    await using world = await start();
    const viewers = [];
    for (const name of ['vera', 'vic', 'otto', 'ada', 'vera'] as const) {
      viewers.push((await world.ask(name, '{ viewer { name role } }')).data?.['viewer']);
    }
    expect(viewers).toEqual([
      { name: 'vera', role: 'VIEWER' },
      { name: 'vic', role: 'VIEWER' },
      { name: 'otto', role: 'OPERATOR' },
      { name: 'ada', role: 'ADMIN' },
      { name: 'vera', role: 'VIEWER' },
    ]);
  });

  it('costs no upstream call', async () => {
    await using world = await start();
    await world.ask('vera', '{ viewer { name role } }');
    expect(world.upstream.calls).toEqual([]);
  });
});
