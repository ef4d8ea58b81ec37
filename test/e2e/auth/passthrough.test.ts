import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';
import { askAs } from '../../kit/process/token.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id suffix } }';
const TARGET = '/fine_tuning/jobs/ftjob-1';
const [ANN, BOB] = [`sk-ann-${crypto.randomUUID()}`, `sk-bob-${crypto.randomUUID()}`];

async function start(settings: Record<string, string> = {}) {
  const upstream = await startUpstream();
  // Each key has its own job under the same id.
  upstream.on(TARGET, ({ headers }: IncomingMessage, response: ServerResponse) => {
    const owner = headers.authorization === `Bearer ${ANN}` ? 'of-ann' : 'of-bob';
    writeResponse(response, 200, jobBody({ id: 'ftjob-1', user_provided_suffix: owner }));
  });
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, AUTH: 'passthrough', ...settings });
  const ask = (key: string, query = JOB, method: 'POST' | 'GET' = 'POST') =>
    askAs(gateway.url, `Bearer ${key}`, query, method);
  return {
    upstream,
    gateway,
    ask,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const keysOf = ({ calls }: ScriptedUpstream) => calls.map(({ authorization }) => authorization);
const jobOf = (suffix: string) => ({ fineTuningJob: { id: 'ftjob-1', suffix } });

describe.each(['POST', 'GET'] as const)("the caller's own key, by %s", (method) => {
  it('is sent upstream, with only the organization and project of the gateway', async () => {
    const ownKey = `ours-${crypto.randomUUID()}`;
    await using world = await start({ OPENAI_API_KEY: ownKey, OPENAI_ORG_ID: 'org-1', OPENAI_PROJECT_ID: 'proj-1' });
    expect((await world.ask(ANN, JOB, method)).data).toEqual(jobOf('of-ann'));
    expect(world.upstream.calls.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({
        authorization: `Bearer ${ANN}`,
        'openai-organization': 'org-1',
        'openai-project': 'proj-1',
      }),
    ]);
    expect(JSON.stringify(world.upstream.calls)).not.toContain(ownKey);
  });

  it('is refused with the reason when it is a number: in JSON it could not be redacted', async () => {
    await using world = await start();
    for (const key of ['12345678901234567890', '-12345678', '12345678e9']) {
      const { status, errors } = await world.ask(key, JOB, method);
      expect([status, errors]).toEqual([
        401,
        [
          {
            message: 'Authorization: the key is a number, which cannot be redacted; use a key with a letter.',
            extensions: { code: 'UNAUTHENTICATED' },
          },
        ],
      ]);
    }
    expect(world.upstream.calls).toEqual([]);
    expect((await world.ask('1234567', JOB, method)).status).toBe(200); // A placeholder.
  });

  it('is required and validated: otherwise 401 without an upstream call', async () => {
    await using world = await start();
    const invalid = [null, '', 'Bearer', ANN, 'Basic eDp5', 'Bearer a"b', 'Bearer a\\b', 'Bearer a b', 'Bearer \u00fc'];
    for (const authorization of [...invalid, `Bearer ${'x'.repeat(513)}`]) {
      const { status, headers, errors } = await askAs(world.gateway.url, authorization, JOB, method);
      expect([authorization, status, headers.get('www-authenticate')]).toEqual([authorization, 401, 'Bearer']);
      expect(errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' });
    }
    expect(world.upstream.calls).toEqual([]);
  });

  it('may have 512 characters', async () => {
    await using world = await start();
    const key = 'x'.repeat(512);
    expect((await world.ask(key, JOB, method)).status).toBe(200);
    expect(keysOf(world.upstream)).toEqual([`Bearer ${key}`]);
  });

  it('never gets data of another key: two keys make two calls, and each gets its own data twice', async () => {
    await using world = await start();
    for (const _ of [1, 2]) {
      expect((await world.ask(ANN, JOB, method)).data).toEqual(jobOf('of-ann'));
      expect((await world.ask(BOB, JOB, method)).data).toEqual(jobOf('of-bob'));
    }
    expect(keysOf(world.upstream)).toEqual([`Bearer ${ANN}`, `Bearer ${BOB}`]);
  });

  it('never joins a read in flight of another key', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const pending = [ANN, ANN, BOB, BOB].map((key) => world.ask(key, JOB, method));
    await world.gateway.received(4);
    gate.release();
    const results = (await Promise.all(pending)).map(({ data }) => data);
    expect(results).toEqual(['of-ann', 'of-ann', 'of-bob', 'of-bob'].map(jobOf));
    expect(keysOf(world.upstream).sort()).toEqual([`Bearer ${ANN}`, `Bearer ${BOB}`]);
  });
});

describe('a caller with its own key', () => {
  it('is an operator without a name', async () => {
    await using world = await start();
    const { data } = await world.ask(ANN, '{ viewer { name role } fineTuningJob(id: "ftjob-1") { raw } }');
    expect(data).toEqual({
      viewer: { name: null, role: 'OPERATOR' },
      fineTuningJob: { raw: expect.objectContaining({ id: 'ftjob-1' }) },
    });
  });

  it('gets UPSTREAM_UNAUTHENTICATED when the upstream rejects its key, and other callers get data', async () => {
    await using world = await start();
    world.upstream.on(TARGET, ({ headers }: IncomingMessage, response: ServerResponse) =>
      headers.authorization === `Bearer ${ANN}`
        ? writeResponse(response, 401, { error: { message: 'Incorrect API key provided.', code: 'invalid_api_key' } })
        : writeResponse(response, 200, jobBody({ id: 'ftjob-1' })),
    );
    const { data, errors } = await world.ask(ANN);
    expect([data, errors?.[0]?.extensions['code']]).toEqual([{ fineTuningJob: null }, 'UPSTREAM_UNAUTHENTICATED']);
    expect((await world.ask(BOB)).errors).toBeUndefined();
  });

  it('has its key sent to Azure in the header `api-key`', async () => {
    await using upstream = await startUpstream();
    const AZURE_OPENAI_ENDPOINT = upstream.baseUrl.replace('/v1', '/openai/v1');
    await using gateway = await startGateway({ AUTH: 'passthrough', AZURE_OPENAI_ENDPOINT });
    await askAs(gateway.url, `Bearer ${ANN}`, JOB);
    expect(upstream.calls.map(({ headers }) => [headers['api-key'], headers.authorization])).toEqual([
      [ANN, undefined],
    ]);
  });

  it('can use the sandbox with any key', async () => {
    await using gateway = await startGateway({ AUTH: 'passthrough', UPSTREAM: 'sandbox' });
    const { data, errors } = await askAs(
      gateway.url,
      'Bearer any',
      '{ fineTuningJobs(first: 1) { edges { cursor } } }',
    );
    expect([data, errors]).toEqual([{ fineTuningJobs: { edges: [expect.anything()] } }, undefined]);
  });
});

it("a caller's key appears in no response, log line or error, though the upstream repeats it", async () => {
  const key = `sk-${crypto.randomUUID()}`;
  await using upstream = await startUpstream();
  const failWith = (status: number) => (_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, status, { error: { message: `Wrong: Bearer ${key}`, code: key } }, { 'x-request-id': key });
  for (const status of [400, 401, 403, 404, 429, 500])
    upstream.on(`/fine_tuning/jobs/ftjob-${status}`, failWith(status));
  upstream.on('/fine_tuning/jobs/ftjob-echo', jobBody({ id: 'ftjob-echo', user_provided_suffix: key, [key]: [key] }));
  upstream.on('/fine_tuning/jobs/ftjob-text', (_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, `${key} is no JSON`),
  );
  upstream.on(
    '/fine_tuning/jobs/ftjob-cut',
    (_: IncomingMessage, response: ServerResponse) => void response.write(key, () => response.destroy()),
  );
  await using gateway = startScript('src/main.ts', [], {
    PORT: '0',
    LOG_LEVEL: 'trace',
    AUTH: 'passthrough',
    OPENAI_BASE_URL: upstream.baseUrl,
  });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const received: string[] = [];
  for (const authorization of [`Bearer ${key}`, key, `Bearer "${key}"`, `Bearer ${key} ${key}`]) {
    const ids = ['400', '401', '403', '404', '429', '500', 'echo', 'text', 'cut', 'none'];
    const ask = async (id: string, method: 'POST' | 'GET') => {
      const query = `{ fineTuningJob(id: "ftjob-${id}") { id suffix raw } viewer { name } }`;
      const { headers, ...rest } = await askAs(url, authorization, query, method);
      received.push(JSON.stringify([...headers]), JSON.stringify(rest));
    };
    // All at once, so that their retries wait at the same time.
    await Promise.all(ids.flatMap((id) => [ask(id, 'POST'), ask(id, 'GET')]));
  }
  gateway.signal('SIGTERM');
  await gateway.ended;
  expect(new Set(keysOf(upstream))).toEqual(new Set([`Bearer ${key}`]));
  expect(gateway.output.text).toContain('UPSTREAM_UNAUTHENTICATED');
  expect([...received, gateway.output.text].filter((text) => text.includes(key))).toEqual([]);
}, 30_000);
