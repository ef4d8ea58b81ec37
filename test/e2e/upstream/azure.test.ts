import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { type GraphqlResponse, startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const KEY = `test-${crypto.randomUUID()}`;
const settings = (upstream: ScriptedUpstream, path = '') => ({
  AZURE_OPENAI_ENDPOINT: new URL(upstream.baseUrl).origin + path,
  AZURE_OPENAI_API_KEY: KEY,
});
const VERSION = { OPENAI_API_VERSION: '2024-10-21' };

describe('Azure', () => {
  it('is called below /openai with the key in the header api-key and the version in every query', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), ...VERSION });
    upstream.on('/openai/fine_tuning/jobs', { data: [jobBody({ id: 'ftjob-1' })], has_more: false });
    upstream.on('/openai/files/file-training', fileBody('file-training'));
    upstream.on('/openai/files/file-training/content', '{}');
    const { errors } = await gateway.query(
      '{ fineTuningJobs { edges { node { trainingFile { preview { text } } } } } gateway { upstreamName } }',
    );
    expect(errors).toBeUndefined();
    expect(upstream.calls.map(({ target }) => target)).toEqual([
      '/openai/fine_tuning/jobs?limit=20&api-version=2024-10-21',
      '/openai/files/file-training?api-version=2024-10-21',
      '/openai/files/file-training/content?api-version=2024-10-21',
    ]);
    for (const { headers } of upstream.calls) {
      expect(headers['api-key']).toBe(KEY);
      expect(headers.authorization).toBeUndefined();
    }
  });

  it('is called without a version below /openai/v1', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(settings(upstream, '/openai/v1/'));
    await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
    expect(upstream.calls.map(({ target }) => target)).toEqual(['/openai/fine_tuning/jobs/ftjob-1']);
  });

  it('has its own error code for an exhausted quota', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), ...VERSION });
    upstream.on('/openai/fine_tuning/jobs', (_: unknown, response: Parameters<typeof writeResponse>[0]) =>
      writeResponse(response, 403, { error: { code: 'quotaExceeded', message: 'No more jobs.', innererror: {} } }),
    );
    const { errors } = await gateway.query('{ fineTuningJobs { scannedCount } }');
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_QUOTA_EXCEEDED');
  });

  it('reports an unknown version as a missing endpoint', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), OPENAI_API_VERSION: '1999-01-01' });
    upstream.on('/openai/fine_tuning/jobs/ftjob-1', (_: unknown, response: Parameters<typeof writeResponse>[0]) =>
      writeResponse(response, 404, { error: { code: '404', message: 'Resource not found' } }),
    );
    const { errors } = await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_UNSUPPORTED');
  });

  it('never exposes its key', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), ...VERSION, LOG_LEVEL: 'trace' });
    upstream.on('/openai/fine_tuning/jobs/ftjob-1', jobBody({ id: 'ftjob-1', suffix: `a ${KEY}` }));
    const response = await gateway.query('{ fineTuningJob(id: "ftjob-1") { suffix raw } }');
    expect(JSON.stringify([response, gateway.log])).not.toContain(KEY);
    expect(response.data?.['fineTuningJob']).toMatchObject({ suffix: 'a [credential]' });
  });
});

/** The data of a response, which must have no errors. */
function dataOf<T>({ data, errors }: GraphqlResponse): T {
  expect(errors).toBeUndefined();
  return data as T; // As selected by the query.
}

it('the sandbox has jobs of every status from the start, except CANCELLING as OpenAI and VALIDATING_FILES as Azure', async () => {
  const missing = async (SANDBOX_DIALECT: string) => {
    await using gateway = await startGateway({ SANDBOX_DIALECT });
    const known = await gateway.query('{ __type(name: "FineTuningJobStatus") { enumValues { name } } }');
    const { __type } = dataOf<{ __type: { enumValues: { name: string }[] } }>(known);
    const names = __type.enumValues.map(({ name }) => name).filter((name) => name !== 'UNKNOWN');
    const filters = names.map(
      (name) => `${name}: fineTuningJobs(first: 1, filter: { statuses: [${name}] }) { edges { cursor } }`,
    );
    const jobs = dataOf<Record<string, { edges: unknown[] }>>(await gateway.query(`{ ${filters.join(' ')} }`));
    return names.filter((name) => jobs[name]?.edges.length === 0);
  };
  expect(await missing('openai')).toEqual(['CANCELLING']);
  expect(await missing('azure')).toEqual(['VALIDATING_FILES']); // Azure has one status for it and QUEUED.
});

describe('the sandbox as Azure', () => {
  it('serves the whole graph, with statuses in the spelling of the schema', async () => {
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' });
    const { fineTuningJobs } = dataOf<{ fineTuningJobs: { edges: { node: Record<string, unknown> }[] } }>(
      await gateway.query(`{ fineTuningJobs(first: 100) { edges { node {
        id status rawStatus organizationId resultFileIds trainingFile { status rawStatus }
        hyperparameters { nEpochs }
      } } } }`),
    );
    const statuses = new Set(fineTuningJobs.edges.map(({ node }) => `${node['rawStatus']} ${node['status']}`));
    expect(statuses).toContain('notRunning QUEUED');
    expect(statuses).toContain('pending QUEUED');
    expect(statuses).toContain('canceling CANCELLING');
    expect([...statuses].filter((status) => status.includes('UNKNOWN'))).toEqual([]);
    expect(JSON.stringify(fineTuningJobs)).toContain('"nEpochs":"auto"');
    expect(JSON.stringify(fineTuningJobs)).not.toContain('"nEpochs":-1');
  });

  it('serves a finished job with its events, checkpoints and loss curve', async () => {
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' });
    const { fineTuningJobs } = dataOf<{ fineTuningJobs: { edges: { node: { id: string } }[] } }>(
      await gateway.query(`{ fineTuningJobs(first: 1, filter: { statuses: [SUCCEEDED], suffix: "support-triage" }) {
        edges { node { id } }
      } }`),
    );
    interface Curve {
      points: { validLoss: number | null }[];
    }
    const { fineTuningJob } = dataOf<{ fineTuningJob: { metrics: Curve } }>(
      await gateway.query(
        `query ($id: ID!) { fineTuningJob(id: $id) {
          status fineTunedModel { id isFineTuned } progress { fraction }
          events(first: 100) { edges { node { level message } } }
          checkpoints { edges { node { stepNumber fineTunedModelId metrics { trainLoss } } } }
          metrics(maxPoints: 16) { totalPoints isComplete points { step trainLoss validLoss } }
        } }`,
        { id: fineTuningJobs.edges[0]?.node.id },
      ),
    );
    expect(fineTuningJob).toMatchObject({
      status: 'SUCCEEDED',
      fineTunedModel: { isFineTuned: true },
      progress: { fraction: 1 },
      checkpoints: { edges: [{ node: { stepNumber: 240, metrics: { trainLoss: expect.any(Number) } } }, {}, {}] },
      metrics: { totalPoints: 240, isComplete: true },
    });
    const { points } = fineTuningJob.metrics;
    expect(points.some(({ validLoss }) => validLoss === null)).toBe(true);
    expect(points.some(({ validLoss }) => validLoss !== null && validLoss < 0)).toBe(false);
    expect(JSON.stringify(fineTuningJob)).toContain('Job succeeded.');
  });
});
