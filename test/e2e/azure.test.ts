import { describe, expect, it } from 'vitest';
import { fileBody } from '../kit/file.ts';
import { startGateway } from '../kit/gateway.ts';
import { jobBody } from '../kit/job.ts';
import { answer, type ScriptedUpstream, startUpstream } from '../kit/upstream.ts';

const KEY = `test-${crypto.randomUUID()}`;
const settings = (upstream: ScriptedUpstream, path = '') => ({
  AZURE_OPENAI_ENDPOINT: new URL(upstream.baseUrl).origin + path,
  AZURE_OPENAI_API_KEY: KEY,
});
const VERSION = { OPENAI_API_VERSION: '2024-10-21' };

describe('Azure', () => {
  it('is asked below /openai with the key in its own header and the version in every query', async () => {
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

  it('is asked without a version where its newer API begins', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(settings(upstream, '/openai/v1/'));
    await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
    expect(upstream.calls.map(({ target }) => target)).toEqual(['/openai/fine_tuning/jobs/ftjob-1']);
  });

  it('says by a code of its own that a quota is used up', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), ...VERSION });
    upstream.on('/openai/fine_tuning/jobs', (_: unknown, response: Parameters<typeof answer>[0]) =>
      answer(response, 403, { error: { code: 'quotaExceeded', message: 'No more jobs.', innererror: {} } }),
    );
    const { errors } = await gateway.query('{ fineTuningJobs { scannedCount } }');
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_QUOTA_EXCEEDED');
  });

  it('answers a version that it does not know as if there were no such endpoint', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), OPENAI_API_VERSION: '1999-01-01' });
    upstream.on('/openai/fine_tuning/jobs/ftjob-1', (_: unknown, response: Parameters<typeof answer>[0]) =>
      answer(response, 404, { error: { code: '404', message: 'Resource not found' } }),
    );
    const { errors } = await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_UNSUPPORTED');
  });

  it('never shows its key', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ ...settings(upstream), ...VERSION, LOG_LEVEL: 'trace' });
    upstream.on('/openai/fine_tuning/jobs/ftjob-1', jobBody({ id: 'ftjob-1', suffix: `a ${KEY}` }));
    const said = await gateway.query('{ fineTuningJob(id: "ftjob-1") { suffix raw } }');
    expect(JSON.stringify([said, gateway.log])).not.toContain(KEY);
    expect(said.data?.['fineTuningJob']).toMatchObject({ suffix: 'a [credential]' });
  });
});
