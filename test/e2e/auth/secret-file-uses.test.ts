import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECRET_NAMES, type SecretName } from '../../../src/config/secret-files.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { type GraphqlResponse, startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { makeFolder, replaceFile } from '../../kit/process/folder.ts';

const KEY = 'test-key-of-the-upstream';
const PERMISSIONS = '{ fineTuningJob(id: "ftjob-1") { checkpoints { nodes { permissions { nodes { id } } } } } }';

/** Two valid texts of each secret: before and after a change of its file. */
const TEXTS: Readonly<Record<SecretName, readonly [string, string]>> = {
  OPENAI_API_KEY: ['test-openai-one', 'test-openai-two'],
  OPENAI_ADMIN_KEY: ['test-admin-one', 'test-admin-two'],
  OPENAI_WEBHOOK_SECRET: ['whsec_dGVzdC1zZWNyZXQtb25l', 'whsec_dGVzdC1zZWNyZXQtdHdv'],
  AZURE_OPENAI_API_KEY: ['test-azure-one', 'test-azure-two'],
  HTTPS_PROXY: ['http://ann:test-secure-one@127.0.0.1:1', 'http://ann:test-secure-two@127.0.0.1:1'],
  HTTP_PROXY: ['http://ann:test-plain-one@127.0.0.1:1', 'http://ann:test-plain-two@127.0.0.1:1'],
  REDIS_URL: ['redis://ann:test-redis-one@127.0.0.1:1', 'redis://ann:test-redis-two@127.0.0.1:1'],
  FLEET_SECRET: ['test-fleet-secret-of-32-characters-1', 'test-fleet-secret-of-32-characters-2'],
  OTEL_EXPORTER_OTLP_HEADERS: ['authorization=test-export-one', 'authorization=test-export-two'],
  SANDBOX_ADMIN_KEY: ['test-sandbox-one', 'test-sandbox-two'],
  SANDBOX_WEBHOOK_SECRET: ['whsec_dGVzdC1zYW5kYm94LW9uZQ==', 'whsec_dGVzdC1zYW5kYm94LXR3bw=='],
};

/** A gateway with the file of a secret beside the key of its upstream. `change` changes the file. */
async function start(name: SecretName, settings: (url: string) => Record<string, string>) {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  const checkpoint = checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: 'ft:a:b' });
  upstream.failAll(({ url = '' }, response) => {
    const list = { object: 'list', data: url.includes('/checkpoints?') ? [checkpoint] : [] };
    writeResponse(response, 200, /\/ftjob-1(\?|$)/.test(url) ? jobBody({ id: 'ftjob-1' }) : list);
  });
  const file = join(makeFolder({ secret: TEXTS[name][0] }), 'secret');
  const environment = { [`${name}_FILE`]: file, CACHE_ACTIVE_MS: '0', ...settings(upstream.baseUrl) };
  const gateway = opened.use(await startGateway(environment));
  const parts = opened.move();
  return {
    gateway,
    /** The credentials that the upstream has received. */
    credentials: () => upstream.calls.map(({ headers }) => headers.authorization ?? headers['api-key']),
    change() {
      replaceFile(file, TEXTS[name][1]);
      gateway.reloadFiles();
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const readJob = (gateway: { query(text: string): Promise<GraphqlResponse> }) =>
  gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');

describe('the changed file of another secret is never sent as the API key:', () => {
  const others = SECRET_NAMES.filter((name) => name !== 'OPENAI_API_KEY');
  it.each(others)('%s_FILE with OpenAI', async (name) => {
    const settings = (url: string) => ({ UPSTREAM: 'openai', OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY });
    await using world = await start(name, settings);
    await readJob(world.gateway);
    world.change();
    expect((await readJob(world.gateway)).errors).toBeUndefined();
    expect(world.credentials()).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
    expect(world.gateway.load().streams).toBe(0);
  });

  it.each(SECRET_NAMES.filter((name) => name !== 'AZURE_OPENAI_API_KEY'))('%s_FILE with Azure', async (name) => {
    const settings = (url: string) => ({
      UPSTREAM: 'azure',
      AZURE_OPENAI_ENDPOINT: new URL(url).origin,
      AZURE_OPENAI_API_KEY: KEY,
      OPENAI_API_VERSION: '2024-10-21',
    });
    await using world = await start(name, settings);
    await readJob(world.gateway);
    world.change();
    await world.gateway.query(PERMISSIONS);
    expect(world.credentials().length).toBeGreaterThan(1);
    expect(new Set(world.credentials())).toEqual(new Set([KEY]));
  });

  it.each(SECRET_NAMES)('%s_FILE with the sandbox, which goes on', async (name) => {
    await using world = await start(name, () => ({ UPSTREAM: 'sandbox' }));
    world.change();
    expect((await world.gateway.query('{ fineTuningJobs(first: 1) { nodes { id } } }')).errors).toBeUndefined();
    expect(world.credentials()).toEqual([]);
  });
});
