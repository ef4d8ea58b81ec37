import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startIssuer } from '../../kit/gateway/issuer.ts';
import { startProxy, startTls, type TestProxy, userOf } from '../../kit/gateway/proxy.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { createAuthority } from '../../kit/process/certificate.ts';
import { makeFolder, replaceFile } from '../../kit/process/folder.ts';
import { startGatewayProcess } from '../../kit/process/gateway-process.ts';
import { askAs } from '../../kit/process/token.ts';
import { assertNoSecrets } from '../../kit/secrets.ts';
import { until } from '../../kit/until.ts';

const HOST = 'api.upstream.example';
const AUTHORITY = createAuthority();
const KEY = 'test-key-of-the-upstream';
const [OLD, NEW] = ['ann:old-password-4711', 'ann:new-password-4711'];
const JOBS = ['ftjob-1', 'ftjob-2', 'ftjob-3', 'ftjob-4'];
const read = (id: string) => `{ fineTuningJob(id: "${id}") { status } }`;

const urlWith = (url: string, user: string) => url.replace('://', `://${user}@`);
/** The user and password of each request to the proxy. */
const usersOf = ({ requests }: TestProxy) => requests.map(({ authorization }) => userOf(authorization));

const defaults = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...defaults, AUTHORITY.cert]));
afterAll(() => setDefaultCACertificates(defaults));

type Setting = 'HTTPS_PROXY_FILE' | 'HTTP_PROXY_FILE';

/** A gateway that reaches its upstream by a proxy only, whose URL with the old password is in the file of the setting. */
async function start(setting: Setting, isSecure = setting === 'HTTPS_PROXY_FILE') {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  for (const id of JOBS) upstream.onJob(jobBody({ id, status: 'running' }));
  const secure = isSecure ? opened.use(await startTls(upstream.baseUrl, AUTHORITY.certify(HOST))) : null;
  const port = secure?.port ?? Number(new URL(upstream.baseUrl).port);
  const proxy = opened.use(await startProxy(port, { credentials: OLD }));
  const file = join(makeFolder({ proxy: `${urlWith(proxy.url, OLD)}\n` }), 'proxy');
  const OPENAI_BASE_URL = isSecure ? `https://${HOST}/v1` : `http://${HOST}:8000/v1`;
  const environment = { OPENAI_BASE_URL, OPENAI_API_KEY: KEY, CACHE_ACTIVE_MS: '0', [setting]: file };
  const clock = createTestClock();
  const gateway = opened.use(await startGateway(environment, clock));
  const parts = opened.move();
  return {
    clock,
    upstream,
    port,
    proxy,
    gateway,
    write: (text: string) => replaceFile(file, text),
    users: () => usersOf(proxy),
    keysUsed: () => new Set(upstream.calls.map(({ authorization }) => authorization)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Sends queries one after another for each job until `stop`, which resolves to the errors. */
function startLoad(gateway: TestGateway) {
  let isDone = false;
  const failures: unknown[] = [];
  const clients = JOBS.map(async (id) => {
    while (!isDone) {
      const { errors } = await gateway.query(read(id));
      if (errors) failures.push(errors);
    }
  });
  return async () => {
    isDone = true;
    await Promise.all(clients);
    return failures;
  };
}

describe.each<Setting>(['HTTPS_PROXY_FILE', 'HTTP_PROXY_FILE'])('%s', (setting) => {
  it('is read again when it changes: no query fails, and the API key stays the same', async () => {
    await using world = await start(setting);
    const { upstream, proxy, clock } = world;
    const more = async (count: number) => {
      const before = upstream.calls.length;
      await until(() => upstream.calls.length > before + count);
    };
    const stop = startLoad(world.gateway);
    await more(20);
    proxy.accepted.add(NEW);
    world.write(urlWith(proxy.url, NEW));
    clock.advance(1000);
    clock.advance(1000);
    await until(() => world.users().includes(NEW));
    await more(20); // The calls that had begun have ended.
    proxy.accepted.delete(OLD);
    const before = proxy.requests.length;
    await more(20);
    expect(await stop()).toEqual([]);
    expect(new Set(world.users().slice(before))).not.toContain(OLD);
    expect(world.keysUsed()).toEqual(new Set([`Bearer ${KEY}`]));
  });

  it('lets a call in progress end, and the next one uses the new password', async () => {
    await using world = await start(setting);
    const gate = world.upstream.hold();
    const first = world.gateway.query(read('ftjob-1'));
    await gate.arrived(1);
    world.proxy.accepted.clear();
    world.proxy.accepted.add(NEW);
    world.write(urlWith(world.proxy.url, NEW));
    world.gateway.reloadFiles();
    const second = world.gateway.query(read('ftjob-2'));
    await gate.arrived(2);
    gate.release();
    expect((await Promise.all([first, second])).map(({ errors }) => errors)).toEqual([undefined, undefined]);
    expect(world.users()).toEqual([OLD, NEW]);
  });

  it('may name another proxy: the previous one never gets the new password, and its connections close', async () => {
    await using world = await start(setting);
    await using other = await startProxy(world.port, { credentials: NEW });
    for (const id of JOBS) await world.gateway.query(read(id));
    const count = world.proxy.requests.length;
    world.write(urlWith(other.url, NEW));
    world.gateway.reloadFiles();
    for (const id of JOBS) expect((await world.gateway.query(read(id))).errors).toBeUndefined();
    await until(() => world.proxy.connections === 0);
    expect(world.proxy.requests).toHaveLength(count);
    expect(new Set(usersOf(other))).toEqual(new Set([NEW]));
  });

  it.each([
    ['is of another protocol', 'socks5://ann:unusual-secret@proxy.example:1080'],
    ['has a malformed password', 'http://ann:unusual-secret%zz@proxy.example'],
    ['is two words', 'unusual-secret text'],
    ['is empty', '\n'],
  ])('changes nothing while its text %s; that is logged once, without its content', async (_, text) => {
    await using world = await start(setting);
    await world.gateway.query(read('ftjob-1'));
    world.write(text);
    for (let reading = 0; reading < 3; reading++) world.clock.advance(1000);
    expect((await world.gateway.query(read('ftjob-2'))).errors).toBeUndefined();
    expect(new Set(world.users())).toEqual(new Set([OLD]));
    const lines = world.gateway.log.filter((line) => line['setting'] === setting);
    const problem =
      text === '\n' ? /^the file is empty/ : /^expected the path of a file with the URL of an http or https/;
    expect(lines).toEqual([expect.objectContaining({ level: 50, problem: expect.stringMatching(problem) })]);
    assertNoSecrets(['unusual-secret'], [JSON.stringify(world.gateway.log)]);
  });

  it('has its new password redacted in the log', async () => {
    await using world = await start(setting);
    const password = 'newpassword4711';
    world.write(urlWith(world.proxy.url, `ann:${password}`));
    world.gateway.reloadFiles();
    const { errors } = await world.gateway.query(`query ${password} ${read('ftjob-1')}`);
    expect(errors?.[0]?.message).toContain('the proxy of the gateway does not connect to it');
    const failure = world.gateway.log.find(({ msg }) => msg === 'upstream call failed');
    expect(failure).toMatchObject({ detail: expect.stringContaining(`proxy ${world.proxy.url}: refuses`) });
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    assertNoSecrets([password], [JSON.stringify(world.gateway.log)]);
  });

  it('is invalid at the start with the sandbox too', async () => {
    const file = join(makeFolder({ proxy: 'socks5://proxy.example' }), 'proxy');
    await expect(startGateway({ [setting]: file })).rejects.toThrow(
      `${setting}: "${file}" is not the path of a file with the URL of an http or https proxy`,
    );
  });

  it('excludes the setting without a file, in lower case too', async () => {
    const file = join(makeFolder({ proxy: 'http://proxy.example' }), 'proxy');
    const name = setting.replace('_FILE', '');
    for (const other of [name, name.toLowerCase()]) {
      await expect(startGateway({ [setting]: file, [other]: 'http://proxy.example' })).rejects.toThrow(
        `${setting}: is set as well as ${other}; expected only one of the two.`,
      );
    }
  });
});

describe('HTTP_PROXY_FILE', () => {
  it('is the proxy of https URLs too when there is no other, also after a change', async () => {
    await using world = await start('HTTP_PROXY_FILE', true);
    await world.gateway.query(read('ftjob-1'));
    world.proxy.accepted.add(NEW);
    world.write(urlWith(world.proxy.url, NEW));
    world.gateway.reloadFiles();
    await world.gateway.query(read('ftjob-2'));
    expect(world.users()).toEqual([OLD, NEW]);
  });

  it('does not replace https_proxy when it changes', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
    await using secure = await startTls(upstream.baseUrl, AUTHORITY.certify(HOST));
    await using proxy = await startProxy(secure.port);
    const file = join(makeFolder({ proxy: 'http://127.0.0.1:1' }), 'proxy');
    await using gateway = await startGateway({
      OPENAI_BASE_URL: `https://${HOST}/v1`,
      CACHE_ACTIVE_MS: '0',
      https_proxy: proxy.url,
      HTTP_PROXY_FILE: file,
    });
    replaceFile(file, 'http://127.0.0.1:2');
    gateway.reloadFiles();
    expect((await gateway.query(read('ftjob-1'))).errors).toBeUndefined();
    expect(proxy.requests).toHaveLength(1);
  });

  it('is read again by SIGHUP', async () => {
    await using upstream = await startUpstream();
    for (const id of JOBS) upstream.onJob(jobBody({ id, status: 'running' }));
    await using proxy = await startProxy(Number(new URL(upstream.baseUrl).port), { credentials: OLD });
    const file = join(makeFolder({ proxy: urlWith(proxy.url, OLD) }), 'proxy');
    await using gateway = await startGatewayProcess(`http://${HOST}:8000/v1`, { HTTP_PROXY_FILE: file });
    await gateway.query(read('ftjob-1'));
    proxy.accepted.add(NEW);
    replaceFile(file, urlWith(proxy.url, NEW));
    gateway.signal('SIGHUP');
    await until(() => gateway.output.text.includes('read again (SIGHUP)'));
    await gateway.query(read('ftjob-2'));
    expect(usersOf(proxy)).toEqual([OLD, NEW]);
    assertNoSecrets(['new-password-4711'], [gateway.output.text]);
  });
});

it('the keys of JWTs are read through the new proxy', async () => {
  const clock = createTestClock();
  await using issuer = await startIssuer(clock);
  await using secure = await startTls(issuer.url, AUTHORITY.certify('login.example'));
  await using proxy = await startProxy(secure.port, { credentials: OLD });
  const file = join(makeFolder({ proxy: urlWith(proxy.url, OLD) }), 'proxy');
  const settings = { ...issuer.settings, JWT_JWKS_URL: 'https://login.example/realm/keys', HTTPS_PROXY_FILE: file };
  await using gateway = await startGateway(settings, clock); // With the sandbox.
  const ask = async () => (await askAs(gateway.url, `Bearer ${await issuer.sign()}`, '{ viewer { role } }')).status;
  expect(await ask()).toBe(200);
  proxy.accepted.clear();
  proxy.accepted.add(NEW);
  replaceFile(file, urlWith(proxy.url, NEW));
  clock.advance(1000);
  clock.advance(1000);
  await issuer.rotate();
  expect(await ask()).toBe(200);
  expect(usersOf(proxy)).toEqual([OLD, NEW]);
});
