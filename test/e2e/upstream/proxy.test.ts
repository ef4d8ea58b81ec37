import type { IncomingMessage, ServerResponse } from 'node:http';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { download } from '../../kit/client/download.ts';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startIssuer } from '../../kit/gateway/issuer.ts';
import { startProxy, startTls } from '../../kit/gateway/proxy.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { createAuthority } from '../../kit/process/certificate.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startScript } from '../../kit/process/process.ts';
import { assertNoSecrets } from '../../kit/secrets.ts';
import { until } from '../../kit/until.ts';

const HOST = 'api.upstream.example';
const AUTHORITY = createAuthority();
const JOB = '{ fineTuningJob(id: "ftjob-1") { status } }';
const RUNNING = { data: { fineTuningJob: { status: 'RUNNING' } } };
const PASSWORD = 'p@ss-word/4711';
const USER = { user: 'ann', url: `ann:${encodeURIComponent(PASSWORD)}`, plain: `ann:${PASSWORD}` };

const withUser = (url: string) => url.replace('://', `://${USER.url}@`);

/** An upstream that has TLS of a private authority and is reached by the proxy only. */
async function start(
  settings: Record<string, string> = {},
  { credentials, clock }: { credentials?: string; clock?: Clock } = {},
) {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
  const secure = opened.use(await startTls(upstream.baseUrl, AUTHORITY.certify(HOST)));
  const proxy = opened.use(await startProxy(secure.port, credentials === undefined ? {} : { credentials }));
  const environment = {
    OPENAI_BASE_URL: `https://${HOST}/v1`,
    HTTPS_PROXY: proxy.url,
    CACHE_ACTIVE_MS: '0',
    ...settings,
  };
  const gateway = opened.use(await startGateway(environment, clock));
  const parts = opened.move();
  return { upstream, proxy, gateway, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const failureOf = (log: readonly Record<string, unknown>[]) =>
  log.findLast(({ msg }) => msg === 'upstream call failed');

describe('HTTPS_PROXY', () => {
  const defaults = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...defaults, AUTHORITY.cert]));
  afterAll(() => setDefaultCACertificates(defaults));

  it('is the way of every query, upload, download and poll, and the credential is in the tunnel only', async () => {
    await using world = await start({ ALLOW_MUTATIONS: 'on', POLL_INTERVAL_MS: '100' });
    const { upstream, proxy, gateway } = world;
    expect(await gateway.query(JOB)).toEqual(RUNNING);
    upstream.onFile(fileBody('file-1'));
    upstream.onContent('file-1', 'the content');
    upstream.on('/files', (request: IncomingMessage, response: ServerResponse) =>
      request.resume().on('end', () => writeResponse(response, 200, fileBody('file-1'))),
    );
    expect((await upload(gateway.url, trainingLines(12))).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
    expect(await download(gateway.url, '/files/file-1/content')).toMatchObject({ status: 200, text: 'the content' });
    await using stream = await openSse(gateway.url, {
      query: 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }',
    });
    expect(await stream.result()).toEqual({ data: { fineTuningJobStatusChanged: { status: 'RUNNING' } } });
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'paused' }));
    expect(await stream.result()).toEqual({ data: { fineTuningJobStatusChanged: { status: 'PAUSED' } } });
    expect(new Set(proxy.requests.map(({ target }) => target))).toEqual(new Set([`${HOST}:443`]));
    expect(upstream.calls.length).toBeGreaterThan(4);
    expect(upstream.calls.filter(({ headers }) => headers['proxy-authorization'] !== undefined)).toEqual([]);
    expect(proxy.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('opens at most UPSTREAM_CONNECTIONS tunnels, and uses each again', async () => {
    await using world = await start({ UPSTREAM_CONNECTIONS: '3' });
    const { upstream, proxy, gateway } = world;
    const ids = Array.from({ length: 12 }, (_, index) => `ftjob-x${index}`);
    for (const id of ids) upstream.onJob(jobBody({ id, status: 'running' }));
    await Promise.all(ids.map((id) => gateway.query(`{ fineTuningJob(id: "${id}") { status } }`)));
    expect(upstream.calls).toHaveLength(12);
    expect(proxy.requests.length).toBeLessThanOrEqual(3);
  });

  it('sends the user and password of its URL to the proxy, decoded, and to nobody else', async () => {
    const options = { credentials: USER.plain };
    await using world = await start({}, options);
    expect((await world.gateway.query(JOB)).errors?.[0]?.extensions['code']).toBe('UPSTREAM_UNAVAILABLE');
    await using gateway = await startGateway({
      OPENAI_BASE_URL: `https://${HOST}/v1`,
      HTTPS_PROXY: withUser(world.proxy.url),
    });
    expect(await gateway.query(JOB)).toEqual(RUNNING);
    expect(world.upstream.calls.filter(({ headers }) => headers['proxy-authorization'] !== undefined)).toEqual([]);
  });

  it.each([
    [407, 'check the user and password in HTTPS_PROXY'],
    [403, 'check its rules, or whether NO_PROXY should name the host'],
    [503, 'check its rules, or whether NO_PROXY should name the host'],
  ])('says that the proxy refuses with status %d, without the password', async (status, advice) => {
    await using world = await start();
    world.proxy.mode = status;
    await using gateway = await startGateway({
      OPENAI_BASE_URL: `https://${HOST}/v1`,
      HTTPS_PROXY: withUser(world.proxy.url),
    });
    const { errors } = await gateway.query(JOB);
    expect(errors?.[0]?.message).toContain('the proxy of the gateway does not connect to it');
    expect(errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(failureOf(gateway.log)).toMatchObject({
      detail: `proxy ${world.proxy.url}: refuses ${HOST}:443 with status ${status}; ${advice}`,
    });
    assertNoSecrets([PASSWORD, encodeURIComponent(PASSWORD)], [JSON.stringify(gateway.log), JSON.stringify(errors)]);
  });

  it('says that the proxy cannot be reached, and opens the circuit breaker after ten failures', async () => {
    await using world = await start();
    const { proxy, gateway } = world;
    await proxy.refuse();
    for (let count = 0; count < 10; count++) await gateway.query(JOB);
    expect(failureOf(gateway.log)).toMatchObject({
      detail: `proxy ${proxy.url}: cannot be reached (ECONNREFUSED); check HTTPS_PROXY`,
    });
    await gateway.query(JOB);
    expect(failureOf(gateway.log)).toMatchObject({ detail: 'not sent: the circuit breaker is open' });
  });

  it('says that the proxy hangs, within the time of the call, and does not try again', async () => {
    const clock = createTestClock();
    await using world = await start({ UPSTREAM_TIMEOUT_MS: '8000', UPSTREAM_RETRIES: '2' }, { clock });
    world.proxy.mode = 'hang';
    const result = world.gateway.query(JOB);
    await world.proxy.arrived(1);
    clock.advance(4000);
    expect((await result).errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(failureOf(world.gateway.log)).toMatchObject({
      detail: `proxy ${world.proxy.url}: no tunnel to ${HOST}:443 within 4000 ms; check HTTPS_PROXY`,
    });
    expect(world.proxy.requests).toHaveLength(1);
  });

  it('is left at once by a gateway that stops while it hangs', async () => {
    await using world = await start({}, { clock: createTestClock() });
    world.proxy.mode = 'hang';
    const left = new AbortController();
    const result = world.gateway.query(JOB, {}, left.signal).catch(() => 'left');
    await world.proxy.arrived(1);
    left.abort();
    await result;
    await world.gateway[Symbol.asyncDispose]();
    await until(() => world.proxy.connections === 0);
  });

  it('is the way to the keys of JWTs too, and its failures are in the log', async () => {
    await using issuer = await startIssuer();
    await using secure = await startTls(issuer.url, AUTHORITY.certify('login.example'));
    await using proxy = await startProxy(secure.port);
    const settings = { ...issuer.settings, JWT_JWKS_URL: 'https://login.example/realm/keys', HTTPS_PROXY: proxy.url };
    const authorization = `Bearer ${await issuer.sign()}`;
    const query = { query: '{ viewer { role } }' };
    {
      await using gateway = await startGateway(settings);
      const { body } = await post(gateway.url, query, { authorization });
      expect(body).toEqual({ data: { viewer: { role: 'OPERATOR' } } });
      expect(proxy.requests[0]?.target).toBe('login.example:443');
    }
    proxy.mode = 407;
    await using gateway = await startGateway(settings);
    expect((await post(gateway.url, query, { authorization })).status).toBe(503);
    const text = `proxy ${proxy.url}: refuses login.example:443 with status 407`;
    await until(() => gateway.log.some((line) => JSON.stringify(line).includes(text)));
  });

  it('may itself be an https server', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    await using secure = await startTls(upstream.baseUrl, AUTHORITY.certify(HOST));
    await using proxy = await startProxy(secure.port, { certificate: AUTHORITY.certify('localhost') });
    await using gateway = await startGateway({ OPENAI_BASE_URL: `https://${HOST}/v1`, HTTPS_PROXY: proxy.url });
    expect(await gateway.query(JOB)).toEqual(RUNNING);
    expect(proxy.requests).toHaveLength(1);
  });

  it('is read in lower case first, without a scheme, and from HTTP_PROXY when there is no other', async () => {
    await using world = await start();
    const { host } = new URL(world.proxy.url);
    const base = { OPENAI_BASE_URL: `https://${HOST}/v1` };
    for (const settings of [{ https_proxy: host, HTTPS_PROXY: 'http://127.0.0.1:1' }, { HTTP_PROXY: host }]) {
      await using gateway = await startGateway({ ...base, ...settings });
      expect(await gateway.query(JOB)).toEqual(RUNNING);
    }
  });

  it('is named by the banner and by --check without its password', async () => {
    await using world = await start();
    const settings = {
      OPENAI_BASE_URL: `https://${HOST}/v1`,
      OPENAI_API_KEY: 'test-key-example',
      HTTPS_PROXY: withUser(world.proxy.url),
      PORT: '0',
    };
    const text = `Upstream: an OpenAI-compatible server, https://${HOST}/v1, through the proxy ${world.proxy.url} (HTTPS_PROXY).`;
    world.proxy.mode = 407;
    await using check = startScript('src/main.ts', ['--check'], settings);
    expect(await check.ended).toBe(1);
    expect(check.output.text).toContain(text);
    expect(check.output.text).toContain('status 407; check the user and password in HTTPS_PROXY.');
    await using gateway = startScript('src/main.ts', [], settings);
    await gateway.waitForOutput(/listens on/);
    await gateway.waitForOutput(/Mutations/);
    expect(gateway.output.text).toContain(text);
    assertNoSecrets([PASSWORD, encodeURIComponent(PASSWORD)], [check.output.text, gateway.output.text]);
  });
});

describe('HTTP_PROXY', () => {
  it('gets requests to an http upstream with their whole URL', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    upstream.onFile(fileBody('file-1'));
    upstream.onContent('file-1', 'the content');
    await using proxy = await startProxy(Number(new URL(upstream.baseUrl).port), { credentials: USER.plain });
    const base = { OPENAI_BASE_URL: `http://${HOST}:8000/v1` };
    await using gateway = await startGateway({ ...base, HTTP_PROXY: withUser(proxy.url) });
    expect(await gateway.query(JOB)).toEqual(RUNNING);
    expect(await download(gateway.url, '/files/file-1/content')).toMatchObject({ status: 200, text: 'the content' });
    expect(proxy.requests[0]?.target).toBe(`http://${HOST}:8000/v1/fine_tuning/jobs/ftjob-1`);
    expect(proxy.forwarded[0]?.host).toBe(`${HOST}:8000`);
    await using refused = await startGateway({ ...base, HTTP_PROXY: proxy.url });
    expect((await refused.query(JOB)).errors?.[0]?.message).toContain(
      'the proxy of the gateway does not connect to it',
    );
    expect(failureOf(refused.log)).toMatchObject({
      detail: expect.stringContaining('with status 407; check the user'),
    });
    await proxy.refuse();
    await gateway.query('{ fineTuningJob(id: "ftjob-2") { status } }');
    expect(failureOf(gateway.log)).toMatchObject({ detail: expect.stringContaining(`proxy ${proxy.url}: `) });
  });

  it('is not used for loopback addresses, such as those of the sandbox', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    await using proxy = await startProxy(1);
    for (const OPENAI_BASE_URL of [upstream.baseUrl, upstream.baseUrl.replace('127.0.0.1', 'localhost')]) {
      await using gateway = await startGateway({ OPENAI_BASE_URL, HTTP_PROXY: proxy.url });
      expect(await gateway.query(JOB)).toEqual(RUNNING);
    }
    await using sandbox = await startGateway({ HTTP_PROXY: proxy.url, HTTPS_PROXY: 'socks5://proxy' });
    expect((await sandbox.query('{ fineTuningJobs(first: 1) { nodes { status } } }')).errors).toBeUndefined();
    expect(proxy.requests).toEqual([]);
  });
});

describe('NODE_EXTRA_CA_CERTS', () => {
  it('lets an upstream have a certificate of a private authority; without it the error names the setting', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) upstream.on(target, { object: 'list', data: [] });
    await using secure = await startTls(upstream.baseUrl, AUTHORITY.certify('localhost'));

    const folder = makeFolder({ 'ca.pem': AUTHORITY.cert });
    const settings = { OPENAI_BASE_URL: `https://localhost:${secure.port}/v1`, OPENAI_API_KEY: 'test-key-example' };
    const extra = { ...settings, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` };
    await using trusted = startScript('src/main.ts', ['--check'], extra);
    expect([await trusted.ended, trusted.output.text]).toEqual([0, expect.stringContaining('The gateway can start.')]);
    await using untrusted = startScript('src/main.ts', ['--check'], settings);
    expect(await untrusted.ended).toBe(1);
    expect(untrusted.output.text).toContain('NODE_EXTRA_CA_CERTS names a file of certificates to trust.');
  });

  it('has to be a file that can be read and has a certificate', async () => {
    const folder = makeFolder({ 'ca.pem': 'nothing' });
    const missing = startGateway({ NODE_EXTRA_CA_CERTS: `${folder}/missing.pem` });
    await expect(missing).rejects.toThrow(/^NODE_EXTRA_CA_CERTS: .* is not the path of a PEM file that can be read/);
    const empty = startGateway({ NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` });
    await expect(empty).rejects.toThrow('NODE_EXTRA_CA_CERTS: the file has no certificate; expected PEM.');
  });
});
