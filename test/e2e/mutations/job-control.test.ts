import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

const STEER = (mutation: string) => {
  const name = mutation[0]?.toUpperCase() + mutation.slice(1);
  return `mutation ($id: ID!) { ${mutation}FineTuningJob(input: { jobId: $id }) {
    __typename
    ... on ${name}FineTuningJobSuccess { fineTuningJob { id status viewerCanCancel viewerCanPause viewerCanResume } }
    ... on Error { message code }
    ... on ConflictError { status rawStatus }
  } }`;
};

/** A gateway before its sandbox, whose time stands. */
const startStill = (settings: Record<string, string> = {}) => startGateway(settings, createTestClock());

async function idOf(gateway: TestGateway, status: string): Promise<string> {
  const query = `{ fineTuningJobs(first: 1, filter: { statuses: [${status}] }) { edges { node { id } } } }`;
  const { data } = await gateway.query(query);
  const jobs = data?.['fineTuningJobs'] as { edges: { node: { id: string } }[] } | undefined; // By the query above.
  return jobs?.edges[0]?.node.id ?? '';
}

async function steer(gateway: TestGateway, mutation: string, id: string) {
  const { data, errors } = await gateway.query(STEER(mutation), { id });
  expect(errors).toBeUndefined();
  return data?.[`${mutation}FineTuningJob`];
}

describe('a job of the sandbox', () => {
  it('is cancelled once, and every query shows it at once', async () => {
    await using gateway = await startStill();
    const id = await idOf(gateway, 'RUNNING');
    const query = 'query ($id: ID!) { fineTuningJob(id: $id) { status viewerCanCancel } }';
    expect((await gateway.query(query, { id })).data).toEqual({
      fineTuningJob: { status: 'RUNNING', viewerCanCancel: true },
    });
    expect(await steer(gateway, 'cancel', id)).toMatchObject({
      __typename: 'CancelFineTuningJobSuccess',
      fineTuningJob: { id, status: 'CANCELLED', viewerCanCancel: false, viewerCanPause: false, viewerCanResume: false },
    });
    expect((await gateway.query(query, { id })).data).toEqual({
      fineTuningJob: { status: 'CANCELLED', viewerCanCancel: false },
    });
    expect(await steer(gateway, 'cancel', id)).toMatchObject({
      __typename: 'ConflictError',
      code: 'CONFLICT',
      status: 'CANCELLED',
    });
  });

  it('is paused while it runs, and resumed while it rests', async () => {
    await using gateway = await startStill();
    const [running, paused] = [await idOf(gateway, 'RUNNING'), await idOf(gateway, 'PAUSED')];
    expect(await steer(gateway, 'pause', running)).toMatchObject({ __typename: 'PauseFineTuningJobSuccess' });
    expect(await steer(gateway, 'resume', paused)).toMatchObject({ __typename: 'ResumeFineTuningJobSuccess' });
  });

  it.each(['SUCCEEDED', 'FAILED', 'CANCELLED'])(
    'that has ended as %s is a conflict, whatever it is asked',
    async (status) => {
      await using gateway = await startStill();
      const id = await idOf(gateway, status);
      for (const mutation of ['cancel', 'pause', 'resume']) {
        expect(await steer(gateway, mutation, id)).toMatchObject({ __typename: 'ConflictError', status });
      }
    },
  );

  it('that two cancel at once is cancelled by one, and for the other by nobody else', async () => {
    await using gateway = await startStill();
    const id = await idOf(gateway, 'QUEUED');
    const outcomes = await Promise.all([steer(gateway, 'cancel', id), steer(gateway, 'cancel', id)]);
    expect(outcomes.map((outcome) => Object(outcome).__typename).sort()).toEqual([
      'CancelFineTuningJobSuccess',
      'ConflictError',
    ]);
  });

  it.each(['ftjob-none', '../files/file-1', ''])('that does not exist is not found: %j', async (id) => {
    await using gateway = await startStill();
    expect(await steer(gateway, 'cancel', id)).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
  });

  it('leaves one line in the log for each time it is asked', async () => {
    await using gateway = await startStill();
    const id = await idOf(gateway, 'RUNNING');
    await steer(gateway, 'cancel', id);
    await steer(gateway, 'resume', id);
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'cancelFineTuningJob', viewer: null, role: 'admin', id, outcome: 'Success' },
      { mutation: 'resumeFineTuningJob', viewer: null, role: 'admin', id, outcome: 'Conflict' },
    ]);
  });
});

describe('a gateway that changes nothing', () => {
  it('says so before it looks for anything, and shows that nobody can', async () => {
    await using gateway = await startStill({ ALLOW_MUTATIONS: 'off' });
    for (const id of [await idOf(gateway, 'RUNNING'), 'ftjob-none']) {
      expect(await steer(gateway, 'cancel', id)).toEqual({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'This gateway changes nothing: see ALLOW_MUTATIONS.',
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
  ])('is one before %s, unless it is told otherwise', async (_, settings) => {
    await using gateway = await startStill(settings);
    expect(await steer(gateway, 'cancel', '../ftjob-1')).toMatchObject({ __typename: 'ForbiddenError' });
    await using other = await startStill({ ...settings, ALLOW_MUTATIONS: 'on' });
    expect(await steer(other, 'cancel', '../ftjob-1')).toMatchObject({ __typename: 'NotFoundError' }); // Without a call.
  });

  it('is none before the sandbox, whoever that plays', async () => {
    await using gateway = await startStill({ SANDBOX_DIALECT: 'azure' });
    const id = await idOf(gateway, 'RUNNING');
    expect(await steer(gateway, 'cancel', id)).toMatchObject({ __typename: 'CancelFineTuningJobSuccess' });
  });
});
