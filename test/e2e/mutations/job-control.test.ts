import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

const CONTROL = (action: string) => {
  const name = action[0]?.toUpperCase() + action.slice(1);
  return `mutation ($id: ID!) { ${action}FineTuningJob(input: { jobId: $id }) {
    __typename
    ... on ${name}FineTuningJobSuccess { fineTuningJob { id status viewerCanCancel viewerCanPause viewerCanResume } }
    ... on Error { message code }
    ... on ConflictError { status rawStatus }
  } }`;
};

/** A gateway with its sandbox, on a clock that stands still. */
const startSandbox = (settings: Record<string, string> = {}) => startGateway(settings, createTestClock());

async function idOf(gateway: TestGateway, status: string): Promise<string> {
  const query = `{ fineTuningJobs(first: 1, filter: { statuses: [${status}] }) { edges { node { id } } } }`;
  const { data } = await gateway.query(query);
  const jobs = data?.['fineTuningJobs'] as { edges: { node: { id: string } }[] } | undefined; // The selection of the query above.
  return jobs?.edges[0]?.node.id ?? '';
}

async function control(gateway: TestGateway, action: string, id: string) {
  const { data, errors } = await gateway.query(CONTROL(action), { id });
  expect(errors).toBeUndefined();
  return data?.[`${action}FineTuningJob`];
}

describe('a job of the sandbox', () => {
  it('is cancelled once, and the next query shows it', async () => {
    await using gateway = await startSandbox();
    const id = await idOf(gateway, 'RUNNING');
    const query = 'query ($id: ID!) { fineTuningJob(id: $id) { status viewerCanCancel } }';
    expect((await gateway.query(query, { id })).data).toEqual({
      fineTuningJob: { status: 'RUNNING', viewerCanCancel: true },
    });
    expect(await control(gateway, 'cancel', id)).toMatchObject({
      __typename: 'CancelFineTuningJobSuccess',
      fineTuningJob: { id, status: 'CANCELLED', viewerCanCancel: false, viewerCanPause: false, viewerCanResume: false },
    });
    expect((await gateway.query(query, { id })).data).toEqual({
      fineTuningJob: { status: 'CANCELLED', viewerCanCancel: false },
    });
    expect(await control(gateway, 'cancel', id)).toMatchObject({
      __typename: 'ConflictError',
      code: 'CONFLICT',
      status: 'CANCELLED',
    });
  });

  it('is paused when it runs, and resumed when it is paused', async () => {
    await using gateway = await startSandbox();
    const [running, paused] = [await idOf(gateway, 'RUNNING'), await idOf(gateway, 'PAUSED')];
    expect(await control(gateway, 'pause', running)).toMatchObject({ __typename: 'PauseFineTuningJobSuccess' });
    expect(await control(gateway, 'resume', paused)).toMatchObject({ __typename: 'ResumeFineTuningJobSuccess' });
  });

  it.each(['SUCCEEDED', 'FAILED', 'CANCELLED'])('that is %s is a conflict for every action', async (status) => {
    await using gateway = await startSandbox();
    const id = await idOf(gateway, status);
    for (const action of ['cancel', 'pause', 'resume']) {
      expect(await control(gateway, action, id)).toMatchObject({
        __typename: 'ConflictError',
        status,
        message: expect.stringMatching(/^jobId: the job has the status \w+ and cannot be \w+; expected a /),
      });
    }
  });

  it('that two clients cancel at once is cancelled by one of them', async () => {
    await using gateway = await startSandbox();
    const id = await idOf(gateway, 'QUEUED');
    const outcomes = await Promise.all([control(gateway, 'cancel', id), control(gateway, 'cancel', id)]);
    expect(outcomes.map((outcome) => Object(outcome).__typename).sort()).toEqual([
      'CancelFineTuningJobSuccess',
      'ConflictError',
    ]);
  });

  it.each(['ftjob-none', '../files/file-1', ''])('that does not exist is NotFoundError: %j', async (id) => {
    await using gateway = await startSandbox();
    expect(await control(gateway, 'cancel', id)).toMatchObject({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      message: `jobId: no job has the id ${JSON.stringify(id)}; expected an existing id, such as ftjob-abc123.`,
    });
  });

  it('writes one audit record per mutation', async () => {
    await using gateway = await startSandbox();
    const id = await idOf(gateway, 'RUNNING');
    await control(gateway, 'cancel', id);
    await control(gateway, 'resume', id);
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'cancelFineTuningJob', viewer: null, role: 'admin', id, outcome: 'Success' },
      { mutation: 'resumeFineTuningJob', viewer: null, role: 'admin', id, outcome: 'Conflict' },
    ]);
  });
});

describe('a gateway that does not allow mutations', () => {
  it('says so before it reads anything, and the viewerCan fields are false', async () => {
    await using gateway = await startSandbox({ ALLOW_MUTATIONS: 'off' });
    for (const id of [await idOf(gateway, 'RUNNING'), 'ftjob-none']) {
      expect(await control(gateway, 'cancel', id)).toEqual({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'This gateway does not allow mutations. Its operator can allow them with ALLOW_MUTATIONS=on.',
      });
    }
    const { data } = await gateway.query('query ($id: ID!) { fineTuningJob(id: $id) { viewerCanCancel } }', {
      id: await idOf(gateway, 'RUNNING'),
    });
    expect(data).toEqual({ fineTuningJob: { viewerCanCancel: false } });
  });

  it.each<[string, Record<string, string>]>([
    ['OpenAI', { OPENAI_API_KEY: 'sk-none-for-tests' }],
    ['another server', { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }],
    ['Azure', { AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9/openai/v1', AZURE_OPENAI_API_KEY: 'none-for-tests' }],
  ])('is the default toward %s', async (_, settings) => {
    await using gateway = await startSandbox(settings);
    expect(await control(gateway, 'cancel', '../ftjob-1')).toMatchObject({ __typename: 'ForbiddenError' });
    await using other = await startSandbox({ ...settings, ALLOW_MUTATIONS: 'on' });
    expect(await control(other, 'cancel', '../ftjob-1')).toMatchObject({ __typename: 'NotFoundError' }); // Without a call.
  });

  it('is not the default toward the sandbox, whatever its dialect', async () => {
    await using gateway = await startSandbox({ SANDBOX_DIALECT: 'azure' });
    const id = await idOf(gateway, 'RUNNING');
    expect(await control(gateway, 'cancel', id)).toMatchObject({ __typename: 'CancelFineTuningJobSuccess' });
  });
});
