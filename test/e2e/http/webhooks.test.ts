import { describe, expect, it } from 'vitest';
import { createState } from '../../../src/sandbox/state/state.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { isSigned, newSecret, signatureOf, webhookBody, webhookHeaders } from '../../kit/bodies/webhook.ts';
import { exchange } from '../../kit/client/raw-http.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startReceiver } from '../../kit/gateway/webhook-receiver.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { startScript } from '../../kit/process/process.ts';
import { assertNoSecrets } from '../../kit/secrets.ts';
import { until } from '../../kit/until.ts';

const JOB = 'ftjob-1';
const BODY = webhookBody(JOB);
/** Long TTLs, so that no cached value becomes stale by itself. */
const LONG_TTLS = { CACHE_ACTIVE_MS: '3600000', CACHE_SETTLED_MS: '3600000' };
const STATUS = `{ fineTuningJob(id: "${JOB}") { status } }`;

const urlOf = ({ url }: { url: string }) => new URL('/webhooks/openai', url).href;

/** A delivery; everything that is not set is valid. */
interface Delivery {
  id?: string;
  timestamp?: number | string;
  body?: string;
  /** The body that is signed, if it differs from the sent one. */
  signedBody?: string;
  secret?: string;
  /** Replaced or additional headers; undefined removes one. */
  headers?: Record<string, string | undefined>;
}

async function openWorld(settings: Record<string, string> = {}) {
  const secret = settings['OPENAI_WEBHOOK_SECRET'] ?? newSecret();
  const world: World = await startWorld({ OPENAI_WEBHOOK_SECRET: secret, ...LONG_TTLS, ...settings });
  world.upstream.onJob(jobBody({ id: JOB }));
  world.upstream.onJobs([jobBody({ id: JOB })]);
  const received: string[] = [];
  let sentCount = 0;
  async function send({ id = `wh_${++sentCount}`, timestamp = world.seconds(), body = BODY, ...rest }: Delivery = {}) {
    const signedHeaders = webhookHeaders(rest.secret ?? secret, id, timestamp, rest.signedBody ?? body);
    const headers = Object.entries({ ...signedHeaders, ...rest.headers }).filter((pair): pair is [string, string] => {
      return pair[1] !== undefined;
    });
    const response = await fetch(urlOf(world.gateway), { method: 'POST', headers, body });
    const text = await response.text();
    received.push(text, ...response.headers.values());
    return { status: response.status, text, headers: response.headers };
  }
  return {
    ...world,
    secret,
    send,
    /** Queries the job; whether that reads it from the upstream. */
    async isRead(): Promise<boolean> {
      world.clock.advance(1);
      return (await world.callsOf(STATUS)).length > 0;
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      assertNoSecrets([secret.replace('whsec_', '')], received);
    },
  };
}

describe('a webhook', () => {
  it('gets 204 without a body', async () => {
    await using world = await openWorld();
    const { status, text, headers } = await world.send();
    expect([status, text, headers.get('content-type')]).toEqual([204, '', null]);
  });

  it('gets its response before any upstream call', async () => {
    await using world = await openWorld();
    const gate = world.upstream.hold();
    expect((await world.send()).status).toBe(204);
    expect(world.upstream.calls).toEqual([]);
    gate.release();
  });

  it.each([
    ['the job', STATUS, ['fineTuningJob', 'status']],
    [
      'a list of jobs',
      '{ fineTuningJobs { edges { node { status } } } }',
      ['fineTuningJobs', 'edges', 0, 'node', 'status'],
    ],
  ])('invalidates %s, and the cached response', async (_, query, path) => {
    await using world = await openWorld();
    const status = async () =>
      path.reduce<unknown>((value, key) => Object(value)[key], (await world.gateway.query(query)).data);
    expect(await status()).toBe('RUNNING');
    world.upstream.onJob(jobBody({ id: JOB, status: 'succeeded' }));
    world.upstream.onJobs([jobBody({ id: JOB, status: 'succeeded' })]);
    world.clock.advance(1);
    expect(await status()).toBe('RUNNING');
    await world.send();
    expect(await status()).toBe('SUCCEEDED');
    world.clock.advance(1);
    const calls = world.upstream.calls.length;
    expect(await status()).toBe('SUCCEEDED');
    expect(world.upstream.calls).toHaveLength(calls);
  });

  it('does not invalidate other jobs', async () => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    await world.send({ body: webhookBody('ftjob-2') });
    expect(await world.isRead()).toBe(false);
  });

  it('starts a new read of the job, though one is in flight', async () => {
    await using world = await openWorld();
    const gate = world.upstream.hold();
    const early = world.gateway.query(STATUS);
    await gate.arrived(1);
    world.clock.advance(1);
    await world.send();
    const late = world.gateway.query(`${STATUS} # later`);
    await gate.arrived(2);
    gate.release();
    await Promise.all([early, late]);
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('invalidates the job for every caller with its own key', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: JOB }));
    const clock = createTestClock();
    const secret = newSecret();
    const settings = {
      OPENAI_BASE_URL: upstream.baseUrl,
      AUTH: 'passthrough',
      OPENAI_WEBHOOK_SECRET: secret,
      ...LONG_TTLS,
    };
    await using gateway = await startGateway(settings, clock);
    const queryAs = async (key: string) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query: STATUS }) });
    };
    for (const key of ['key-of-one', 'key-of-two', 'key-of-one', 'key-of-two']) await queryAs(key);
    expect(upstream.calls).toHaveLength(2);
    clock.advance(1);
    const headers = webhookHeaders(secret, 'wh_1', clock.now() / 1000 - 0.001, BODY);
    expect((await fetch(urlOf(gateway), { method: 'POST', headers, body: BODY })).status).toBe(204);
    for (const key of ['key-of-one', 'key-of-two']) await queryAs(key);
    expect(upstream.calls).toHaveLength(4);
  });

  it('needs no token, and is not rate limited', async () => {
    await using world = await openWorld({ AUTH: 'passthrough', RATE_LIMIT_PER_MINUTE: '1' });
    for (let count = 0; count < 5; count++) {
      const { status, headers } = await world.send();
      expect([status, headers.get('ratelimit-limit')]).toEqual([204, null]);
    }
  });

  it('is logged as a request, without its signature', async () => {
    await using world = await openWorld();
    await world.send();
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    expect(world.gateway.log.find(({ msg }) => msg === 'request')).toMatchObject({
      path: '/webhooks/openai',
      status: 204,
    });
    const signature = signatureOf(world.secret, 'wh_1', world.seconds(), BODY);
    expect(JSON.stringify(world.gateway.log)).not.toContain(signature.slice(3, 20));
  });
});

describe('the signature', () => {
  it.each([
    ['the UTF-8 bytes of a secret without whsec_', 'correct-horse-battery'],
    ['the UTF-8 bytes of a secret of digits', '1234567890'],
  ])('is computed with %s', async (_, OPENAI_WEBHOOK_SECRET) => {
    await using world = await openWorld({ OPENAI_WEBHOOK_SECRET });
    expect((await world.send()).status).toBe(204);
  });

  it.each(['\n', '\r\n', ' '])('is computed without the white space at the end of the secret: %j', async (space) => {
    const secret = newSecret();
    await using world = await openWorld({ OPENAI_WEBHOOK_SECRET: secret + space });
    expect((await world.send({ secret })).status).toBe(204);
  });

  it('of another secret is rejected, without details of the own secret', async () => {
    await using world = await openWorld();
    await world.isRead();
    const { status, text } = await world.send({ secret: newSecret() });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({
      errors: [
        {
          message: 'webhook-signature: does not match; expected a signature of this id, timestamp and body.',
          extensions: { code: 'BAD_REQUEST' },
        },
      ],
    });
    expect(await world.isRead()).toBe(false);
  });

  it('can be at any position among others, with or without its version', async () => {
    await using world = await openWorld();
    const other = signatureOf(newSecret(), 'wh_1', 1, BODY);
    const valid = (id: string) => signatureOf(world.secret, id, world.seconds(), BODY);
    const lists: ((id: string) => string)[] = [
      (id) => `${other} ${valid(id)}`,
      (id) => `${valid(id)} ${other}`,
      (id) => `${other} v1,short v1, v2,${valid(id).slice(3)} ,, ${valid(id)} v1a,x`,
      (id) => valid(id).slice(3),
    ];
    for (const [index, list] of lists.entries()) {
      const id = `wh_list-${index}`;
      expect((await world.send({ id, headers: { 'webhook-signature': list(id) } })).status, list(id)).toBe(204);
    }
  });

  it('is rejected when all entries are malformed, of another version or of another body', async () => {
    await using world = await openWorld();
    const valid = signatureOf(world.secret, 'wh_a', world.seconds(), BODY).slice(3);
    const lists = [
      `v2,${valid}`,
      `v1a,${valid}`,
      valid.slice(0, -1),
      `v1,${valid}=`,
      `v1,${valid},`,
      'v1,',
      ' ',
      `v1,${'A'.repeat(43)}=`,
    ];
    for (const list of lists) {
      expect((await world.send({ id: 'wh_a', headers: { 'webhook-signature': list } })).status, list).toBe(400);
    }
  });

  it.each([
    ['changed', BODY.replace(JOB, 'ftjob-2')],
    ['serialized again', JSON.stringify(JSON.parse(BODY))],
    ['one byte longer', `${BODY}\n`],
    ['empty', ''],
  ])('is invalid for a body that is %s', async (_, body) => {
    await using world = await openWorld();
    expect((await world.send({ body, signedBody: BODY })).status).toBe(400);
    expect((await world.send()).status).toBe(204);
  });

  it.each([
    ['id', { 'webhook-id': 'wh_other' }],
    ['time', { 'webhook-timestamp': String(Date.UTC(2026, 0, 1) / 1000 + 1) }],
  ])('is invalid for another %s', async (_, headers) => {
    await using world = await openWorld();
    expect((await world.send({ headers })).status).toBe(400);
  });
});

describe('the headers', () => {
  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'must include %s, which the error names',
    async (name) => {
      await using world = await openWorld();
      for (const value of [undefined, '']) {
        const { status, text } = await world.send({ headers: { [name]: value } });
        expect(status).toBe(400);
        expect(JSON.parse(text).errors[0].message).toMatch(new RegExp(`^${name}: is missing.*; expected `));
      }
    },
  );

  it.each([
    [300, 204],
    [301, 400],
    [-300, 204],
    [-301, 400],
  ])('with a timestamp that differs by %i seconds get %i', async (difference, status) => {
    await using world = await openWorld();
    world.clock.advance(999); // Timestamps are whole seconds, rounded down.
    expect((await world.send({ timestamp: world.seconds() + difference })).status).toBe(status);
  });

  it.each(['-1', '1e9', '0x10', 'now', '1767225600.5', '01767225600', '+1767225600', ' ', '9999999999999'])(
    'with the signed timestamp %s are rejected',
    async (timestamp) => {
      await using world = await openWorld();
      const { status, text } = await world.send({ timestamp });
      expect(status).toBe(400);
      expect(JSON.parse(text).errors[0].message).toMatch(/^webhook-timestamp: is missing or invalid; expected/);
    },
  );

  it('with an id of more than 256 characters are rejected', async () => {
    await using world = await openWorld();
    expect((await world.send({ id: 'x'.repeat(256) })).status).toBe(204);
    expect((await world.send({ id: 'x'.repeat(257) })).status).toBe(400);
  });

  it('are rejected before the body arrives', async () => {
    await using world = await openWorld();
    const head =
      'POST /webhooks/openai HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n';
    expect(await exchange(world.gateway.url, head)).toMatchObject([{ status: 400 }]);
  });
});

describe('deliveries', () => {
  it('with the same webhook-id are one hint', async () => {
    await using world = await openWorld();
    await world.isRead();
    for (const isFirst of [true, false, false]) {
      world.clock.advance(1);
      expect((await world.send({ id: 'wh_same' })).status).toBe(204);
      expect(await world.isRead()).toBe(isFirst);
    }
    world.clock.advance(1);
    await world.send({ id: 'wh_other' });
    expect(await world.isRead()).toBe(true);
  });

  it('that are rejected do not use up the webhook-id', async () => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    expect((await world.send({ id: 'wh_same', secret: newSecret() })).status).toBe(400);
    await world.send({ id: 'wh_same' });
    expect(await world.isRead()).toBe(true);
  });

  it('are forgotten when a recorded one can no longer be replayed', async () => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    const timestamp = world.seconds() + 300;
    await world.send({ id: 'wh_same', timestamp });
    expect(await world.isRead()).toBe(true);
    world.clock.advance(600_000 - 2);
    await world.send({ id: 'wh_same', timestamp });
    expect(await world.isRead()).toBe(false);
    world.clock.advance(1000);
    expect((await world.send({ id: 'wh_same', timestamp })).status).toBe(400);
    await world.send({ id: 'wh_same' });
    expect(await world.isRead()).toBe(true);
  });

  it('get 1000 responses, and cost one read', async () => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    const statuses: number[] = [];
    const sender = async () => {
      for (let count = 0; count < 40; count++) statuses.push((await world.send()).status);
    };
    await Promise.all(Array.from({ length: 25 }, sender));
    expect(statuses).toEqual(Array(1000).fill(204));
    expect(world.upstream.calls).toHaveLength(1);
    await world.isRead();
    expect(world.upstream.calls).toHaveLength(2);
  });

  it.each([
    ['of another type', webhookBody('resp_1', 'response.completed')],
    ['of another type with the id of a job', webhookBody(JOB, 'batch.completed')],
    ['about a job with an invalid id', webhookBody('../files/x')],
    ['without an id', '{"type": "fine_tuning.job.failed", "data": {}}'],
    ['that are not JSON', 'fine_tuning.job.failed'],
    ['that are not an object', '[null]'],
    ['that are empty', ''],
  ])('%s are accepted, but are no hint', async (_, body) => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    expect((await world.send({ body })).status).toBe(204);
    expect(await world.isRead()).toBe(false);
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ level: 20, msg: 'webhook', webhookId: 'wh_1' }));
  });

  it('with nested lists are accepted, and are no hint', async () => {
    await using world = await openWorld();
    await world.isRead();
    world.clock.advance(1);
    const body = BODY.replace('{', `{"nested":${'['.repeat(2000)}${']'.repeat(2000)},`);
    expect((await world.send({ body })).status).toBe(204);
    expect(await world.isRead()).toBe(false);
  });

  it('about an unknown job are accepted without a read', async () => {
    await using world = await openWorld();
    expect((await world.send({ body: webhookBody('ftjob-of-others') })).status).toBe(204);
    expect(world.upstream.calls).toEqual([]);
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ level: 20, jobId: 'ftjob-of-others' }));
  });
});

describe('POST /webhooks/openai', () => {
  it('is 404 without OPENAI_WEBHOOK_SECRET', async () => {
    await using world = await startWorld();
    expect((await fetch(urlOf(world.gateway), { method: 'POST' })).status).toBe(404);
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('rejects %s', async (method) => {
    await using world = await openWorld();
    const response = await fetch(urlOf(world.gateway), { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('accepts at most 65536 bytes, with a Content-Length or in chunks', async () => {
    await using world = await openWorld();
    const largest = BODY.padEnd(65_536);
    expect((await world.send({ body: largest })).status).toBe(204);
    expect((await world.send({ body: `${largest} ` })).status).toBe(413);
    const headers = Object.entries(webhookHeaders(world.secret, 'wh_chunked', world.seconds(), BODY));
    const responses = await exchange(
      world.gateway.url,
      'POST /webhooks/openai HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n',
      ...headers.map(([name, value]) => `${name}: ${value}\r\n`),
      `\r\n10001\r\n${' '.repeat(65_537)}\r\n0\r\n\r\n`,
    );
    expect(responses).toMatchObject([{ status: 413 }]);
  });

  it('is available at a host in ALLOWED_HOSTS', async () => {
    await using world = await openWorld({ ALLOWED_HOSTS: 'hooks.example' });
    const headers = Object.entries(webhookHeaders(world.secret, 'wh_1', world.seconds(), BODY));
    const responses = await exchange(
      world.gateway.url,
      `POST /webhooks/openai HTTP/1.1\r\nHost: hooks.example\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n`,
      ...headers.map(([name, value]) => `${name}: ${value}\r\n`),
      `\r\n${BODY}`,
    );
    expect(responses).toMatchObject([{ status: 204 }]);
  });

  it('rejects a foreign Host or Origin, as every path does', async () => {
    await using world = await openWorld();
    const head =
      'POST /webhooks/openai HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    expect(await exchange(world.gateway.url, head)).toMatchObject([{ status: 421 }]);
    expect((await world.send({ headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });
});

describe('OPENAI_WEBHOOK_SECRET', () => {
  const secret = newSecret();

  it.each([
    ['by --check', secret, 0],
    ['by the message about an invalid one', `${secret}"`, 1],
    ['by the message about one with another text before it', `v1,${secret}`, 1],
  ])('is not printed %s', async (_, OPENAI_WEBHOOK_SECRET, code) => {
    await using process = startScript('src/main.ts', ['--check'], { OPENAI_WEBHOOK_SECRET });
    expect(await process.ended).toBe(code);
    expect(process.output.text).not.toContain(secret.slice(6));
  });
});

describe('webhooks of the sandbox', () => {
  it('make a query right after the end of a job return its final status', async () => {
    const clock = createTestClock();
    const state = createState({ seed: 1, speed: 10, startedAt: clock.now() });
    const [first] = state
      .jobsAt(clock.now())
      .newestFirst.flatMap(({ id, changes }) => changes.slice(-1).map(({ status, at }) => ({ id, status, at })))
      .filter(({ at }) => at > clock.now())
      .sort((a, b) => a.at - b.at);
    if (first === undefined) throw new Error('the sandbox has no active job');
    await using gateway = await startGateway({ ...LONG_TTLS }, clock);
    const queryStatus = async () => (await gateway.query(`{ fineTuningJob(id: "${first.id}") { rawStatus } }`)).data;
    clock.advance(first.at - clock.now() - 1);
    expect(await queryStatus()).toEqual({ fineTuningJob: { rawStatus: 'running' } });
    clock.advance(1);
    await until(() => gateway.log.some(({ msg, status }) => msg === 'request' && status === 204));
    expect(await queryStatus()).toEqual({ fineTuningJob: { rawStatus: first.status } });
  });

  it('do not exist in the dialect of Azure', async () => {
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' });
    expect((await fetch(urlOf(gateway), { method: 'POST' })).status).toBe(404);
  });

  it('go to SANDBOX_WEBHOOK_URL instead when it is set', async () => {
    await using receiver = await startReceiver();
    const secret = newSecret();
    const settings = { SANDBOX_WEBHOOK_URL: receiver.url.href, SANDBOX_WEBHOOK_SECRET: secret, SANDBOX_SPEED: '10000' };
    await using gateway = await startGateway(settings);
    await receiver.reached(1);
    expect(receiver.received.map((webhook) => isSigned(webhook, secret))).not.toContain(false);
    expect((await fetch(urlOf(gateway), { method: 'POST' })).status).toBe(404);
  });

  it('do not make npm run sandbox print a configured secret', async () => {
    const secret = newSecret();
    const settings = { SANDBOX_WEBHOOK_URL: 'http://127.0.0.1:1/', SANDBOX_WEBHOOK_SECRET: secret };
    await using sandbox = startScript('src/sandbox/serve.ts', [], settings);
    await sandbox.waitForOutput(/listens on/);
    expect(sandbox.output.text).toContain('signed with SANDBOX_WEBHOOK_SECRET\n');
    expect(sandbox.output.text).not.toContain(secret.slice(6));
  });

  it('are sent by npm run sandbox with a generated secret, which it prints', async () => {
    await using receiver = await startReceiver();
    const settings = { SANDBOX_WEBHOOK_URL: receiver.url.href, SANDBOX_SPEED: '10000' };
    await using sandbox = startScript('src/sandbox/serve.ts', [], settings);
    const [, secret = ''] = await sandbox.waitForOutput(/signed with (whsec_\S+)/);
    await receiver.reached(1);
    expect(receiver.received.map((webhook) => isSigned(webhook, secret))).not.toContain(false);
  });
});
