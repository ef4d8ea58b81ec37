import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { webhookHeaders } from '../../kit/bodies/webhook.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { create, idOf, startSandboxWorld } from '../../kit/mutation/create-job.ts';
import { makeFolder, replaceFile } from '../../kit/process/folder.ts';
import { startGatewayProcess } from '../../kit/process/gateway-process.ts';
import { startScript } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

const [OLD, NEW] = ['test-key-number-one', 'test-key-number-two'];
const JOB = '{ fineTuningJob(id: "ftjob-1") { id status } }';
const UPDATES = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';

/** A gateway whose key is in a file, and an upstream that accepts some keys. */
async function start(settings: Record<string, string> = {}, clock: Clock = systemClock) {
  const upstream = await startUpstream();
  const accepted = new Set([OLD]);
  const job = jobBody({ id: 'ftjob-1', status: 'running' });
  upstream.onJobs([job]);
  upstream.onJob(job);
  refuseOthers(upstream, accepted);
  const file = join(makeFolder({ key: `${OLD}\n` }), 'key');
  const key = { OPENAI_API_KEY: '', OPENAI_API_KEY_FILE: file };
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...key, ...settings }, clock);
  return {
    upstream,
    accepted,
    file,
    gateway,
    keysUsed: () => upstream.calls.map(({ authorization }) => authorization?.replace('Bearer ', '')),
    write: (text: string) => replaceFile(file, text),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Makes the upstream respond 401 to other keys. */
function refuseOthers(upstream: ScriptedUpstream, accepted: ReadonlySet<string>) {
  const job = jobBody({ id: 'ftjob-1', status: 'running' });
  upstream.failAll((request, response) => {
    const key = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (!accepted.has(key)) return writeResponse(response, 401, { error: { message: 'no', code: 'invalid_api_key' } });
    const isList = /\/jobs(\?|$)/.test(request.url ?? '');
    writeResponse(response, 200, isList ? { object: 'list', data: [job], has_more: false } : job);
  });
}

describe('the file of the API key', () => {
  it('is read again when it changes, and no query fails', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    let isDone = false;
    const failures: unknown[] = [];
    const load = async () => {
      while (!isDone) {
        const { errors } = await world.gateway.query(JOB);
        if (errors) failures.push(errors);
      }
    };
    const clients = Array.from({ length: 4 }, load);
    await until(() => world.keysUsed().length > 20);
    world.accepted.add(NEW);
    world.write(NEW);
    await until(() => world.keysUsed().includes(NEW));
    await world.gateway.query('{ __typename }');
    const isOldDone = () => !world.keysUsed().slice(-20).includes(OLD);
    await until(isOldDone);
    world.accepted.delete(OLD);
    const before = world.keysUsed().length;
    await until(() => world.keysUsed().length > before + 20);
    isDone = true;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(new Set(world.keysUsed().slice(before))).toEqual(new Set([NEW]));
  });

  it('opens a new cache scope: what the previous key has read is not served', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '60000' });
    await world.gateway.query(JOB);
    await world.gateway.query(JOB);
    expect(world.keysUsed()).toEqual([OLD]);
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    await world.gateway.query(JOB);
    expect(world.keysUsed()).toEqual([OLD, NEW]);
  });

  it.each<[string, (world: Awaited<ReturnType<typeof start>>) => void]>([
    ['is missing', ({ file }) => rmSync(file)],
    ['is empty', ({ write }) => write('\n')],
    ['has two words', ({ write }) => write('unusual-secret text')],
    ['is too large', ({ write }) => write('x'.repeat(20_000))],
  ])('changes nothing while it %s; that is logged once, without its content', async (_, spoil) => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    spoil(world);
    world.gateway.reloadFiles();
    world.gateway.reloadFiles();
    expect((await world.gateway.query(JOB)).errors).toBeUndefined();
    const lines = world.gateway.log.filter(({ msg }) => String(msg).startsWith('the file of a secret cannot be used'));
    expect(lines).toMatchObject([{ setting: 'OPENAI_API_KEY_FILE', level: 50 }]);
    expect(JSON.stringify(world.gateway.log)).not.toContain('unusual-secret');
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    await world.gateway.query(JOB);
    expect(world.keysUsed()).toEqual([OLD, NEW]);
  });

  it.each([
    ['behind', Date.UTC(2000, 0, 1)],
    ['ahead of', Date.UTC(2100, 0, 1)],
  ])('is used at its second reading when the clock is %s that of the file system', async (_, startMs) => {
    const clock = createTestClock(startMs);
    await using world = await start({ CACHE_ACTIVE_MS: '0' }, clock);
    world.accepted.add(NEW);
    writeFileSync(world.file, NEW.slice(0, -1)); // Half written.
    clock.advance(1000);
    writeFileSync(world.file, NEW);
    clock.advance(1000);
    await world.gateway.query(JOB);
    clock.advance(1000);
    await world.gateway.query(JOB);
    expect(world.keysUsed()).toEqual([OLD, NEW]);
  });

  it('is reported in each outage, also when it comes back unchanged', async () => {
    await using world = await start();
    for (const _ of [1, 2]) {
      rmSync(world.file);
      world.gateway.reloadFiles();
      world.write(OLD);
      world.gateway.reloadFiles();
    }
    expect(world.gateway.log.filter(({ setting }) => setting === 'OPENAI_API_KEY_FILE')).toHaveLength(2);
  });

  it('redacts the new key in the log and in errors', async () => {
    await using world = await start();
    world.write(NEW);
    world.gateway.reloadFiles();
    world.upstream.failAll((_, response) => writeResponse(response, 400, { error: { message: `wrong ${NEW}` } }));
    expect(JSON.stringify(await world.gateway.query(JOB))).not.toContain(NEW);
    expect(JSON.stringify(world.gateway.log)).not.toContain(NEW);
  });

  it('ends event streams, which then use the new key', async () => {
    await using world = await start();
    await using stream = await openSse(world.gateway.url, { query: UPDATES });
    await stream.result();
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    await expect(stream.next()).rejects.toThrow('terminated'); // Cut without `complete`: clients reconnect.
    await using again = await openSse(world.gateway.url, { query: UPDATES });
    expect(await again.result()).toBeDefined();
    expect(world.keysUsed().at(-1)).toBe(NEW);
  });

  it('closes a WebSocket with a subscription when its queries have their results', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    using client = await openSocket(world.gateway.url);
    client.send(subscribe('live', UPDATES));
    expect(await client.next()).toMatchObject({ id: 'live', type: 'next' });
    const gate = world.upstream.hold();
    client.send(subscribe('query', JOB));
    await gate.arrived(1);
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    gate.release();
    const messages = [await client.next(), await client.next()];
    expect(messages).toMatchObject([
      { id: 'query', type: 'next', payload: { data: { fineTuningJob: { id: 'ftjob-1' } } } },
      { id: 'query', type: 'complete' },
    ]);
    expect((await client.closed)[0]).toBe(1001);
  });

  it.each([
    ['a query', 'application/json', JOB],
    ['a subscription', 'text/event-stream', UPDATES],
  ])('is replaced before %s whose body arrives later, which uses the new key', async (_, accept, query) => {
    await using world = await start();
    const headers = { 'content-type': 'application/json', accept };
    const request = httpRequest(world.gateway.url, { method: 'POST', headers });
    request.flushHeaders();
    await world.gateway.received(1);
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    request.end(JSON.stringify({ query }));
    const [response] = await once(request, 'response');
    for await (const chunk of response) if (String(chunk).includes('"data"')) break;
    expect(world.keysUsed()).toEqual([NEW]);
  });

  it('leaves a WebSocket without subscriptions open, and its next query uses the new key', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    using client = await openSocket(world.gateway.url);
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    client.send(subscribe('query', JOB));
    expect(await client.next()).toMatchObject({ id: 'query', payload: { data: { fineTuningJob: { id: 'ftjob-1' } } } });
    expect(world.keysUsed()).toEqual([NEW]);
  });

  it('may be set for the keys of callers too: nothing of theirs ends', async () => {
    await using world = await start({ AUTH: 'passthrough' });
    const headers = { authorization: `Bearer ${OLD}` };
    await using stream = await openSse(world.gateway.url, { query: UPDATES }, headers);
    await stream.result();
    world.write(NEW);
    world.gateway.reloadFiles();
    await using other = await openSse(world.gateway.url, { query: UPDATES }, headers);
    expect(await other.result()).toBeDefined();
    expect(new Set(world.keysUsed())).toEqual(new Set([OLD]));
    expect(world.gateway.load().streams).toBe(2);
  });
});

describe('an idempotency key', () => {
  it.each([
    ['a success', undefined],
    ['an unknown outcome', 'cut_before_response'],
  ] as const)('creates one job when the API key is replaced after %s', async (_, fault) => {
    await using world = await startSandboxWorld();
    const file = join(makeFolder({ key: OLD }), 'key');
    const gateway = await world.startGateway({ OPENAI_API_KEY: '', OPENAI_API_KEY_FILE: file });
    if (fault) world.sandbox.faults.onNext('POST', '/fine_tuning/jobs', fault);
    const input = { ...world.input, idempotencyKey: 'nightly' };
    const first = await create(gateway, input);
    for (const key of [NEW, `${NEW}-more`]) {
      writeFileSync(file, key);
      gateway.reloadFiles();
      expect(idOf(await create(gateway, input))).toBe(idOf(first));
    }
    expect(await world.createdJobs()).toMatchObject([{ id: idOf(first) }]);
  });
});

describe('creates with one idempotency key', () => {
  const INPUT = { modelId: 'gpt-4o-mini', trainingFileId: 'file-1', idempotencyKey: 'nightly' };

  /** A gateway whose upstream lists no job, so that only creates in progress show each other. */
  async function startUnlisted(settings: Record<string, string> = {}) {
    const world = await start({ ALLOW_MUTATIONS: 'on', ...settings });
    const created: string[] = [];
    world.upstream.failAll((request, response) => {
      if (request.method !== 'POST') return writeResponse(response, 200, { object: 'list', data: [] });
      const id = `ftjob-${created.length + 1}`;
      created.push(id);
      writeResponse(response, 200, jobBody({ id }));
    });
    const replace = (key: string) => {
      world.write(key);
      world.gateway.reloadFiles();
    };
    return { ...world, created, replace };
  }

  it.each<[string, string[], string[]]>([
    ['once', [], [NEW]],
    ['and back', [NEW], [OLD]],
    ['five times', [], [...'abcde'].map((name) => `test-key-${name}`)],
  ])('are one job when the API key is replaced %s while the first is in progress', async (_, before, meanwhile) => {
    await using world = await startUnlisted();
    for (const key of before) world.replace(key);
    const gate = world.upstream.hold();
    const creates = [create(world.gateway, INPUT)];
    await gate.arrived(1);
    for (const key of meanwhile) world.replace(key);
    creates.push(create(world.gateway, INPUT));
    await world.gateway.received(2);
    gate.release();
    expect((await Promise.all(creates)).map(idOf)).toEqual(['ftjob-1', 'ftjob-1']);
    expect(world.created).toEqual(['ftjob-1']);
  });

  it('are two jobs of two callers with keys of their own, also when the key of the gateway has been replaced', async () => {
    await using world = await startUnlisted({ AUTH: 'passthrough' });
    world.replace(NEW);
    const gate = world.upstream.hold();
    const creates = ['test-key-of-ann', 'test-key-of-bob'].map((key) => create(world.gateway, INPUT, key));
    await gate.arrived(2);
    gate.release();
    expect((await Promise.all(creates)).map(idOf).toSorted()).toEqual(['ftjob-1', 'ftjob-2']);
  });
});

describe('the file of the admin key', () => {
  it('is read again when it changes, and no stream ends', async () => {
    const file = join(makeFolder({ key: 'test-admin-one' }), 'key');
    await using world = await start({ OPENAI_ADMIN_KEY_FILE: file, CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' });
    await using stream = await openSse(world.gateway.url, { query: UPDATES });
    await stream.result();
    const PERMISSIONS =
      '{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { node { permissions { edges { node { id } } } } } } } }';
    world.upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt-1', { fine_tuned_model_checkpoint: 'ft:a:b' })]);
    world.upstream.on('/fine_tuning/checkpoints/ft%3Aa%3Ab/permissions', { object: 'list', data: [] });
    world.upstream.failAll(null);
    await world.gateway.query(PERMISSIONS);
    writeFileSync(file, 'test-admin-two');
    world.gateway.reloadFiles();
    await world.gateway.query(PERMISSIONS);
    const adminKeys = world.keysUsed().filter((key) => key?.startsWith('test-admin'));
    expect(adminKeys).toEqual(['test-admin-one', 'test-admin-two']);
    expect(world.gateway.load().streams).toBe(1);
  });
});

describe('the file of the webhook secret', () => {
  it('is read again when it changes', async () => {
    const [before, after] = ['whsec_dGVzdC1zZWNyZXQtb25l', 'whsec_dGVzdC1zZWNyZXQtdHdv'];
    const file = join(makeFolder({ secret: before }), 'secret');
    await using world = await start({ OPENAI_WEBHOOK_SECRET_FILE: file });
    const send = async (secret: string, id: string) => {
      const body = JSON.stringify({ type: 'fine_tuning.job.succeeded', data: { id: 'ftjob-1' } });
      const headers = webhookHeaders(secret, id, Math.floor(Date.now() / 1000), body);
      const url = new URL('/webhooks/openai', world.gateway.url);
      return (await fetch(url, { method: 'POST', headers, body })).status;
    };
    expect([await send(before, 'wh_1'), await send(after, 'wh_2')]).toEqual([204, 400]);
    writeFileSync(file, after);
    world.gateway.reloadFiles();
    expect([await send(before, 'wh_3'), await send(after, 'wh_4')]).toEqual([400, 204]);
  });
});

describe('SIGHUP', () => {
  it('makes the process read the files of secrets at once, and go on', async () => {
    await using upstream = await startUpstream();
    const accepted = new Set([OLD, NEW]);
    refuseOthers(upstream, accepted);
    const file = join(makeFolder({ key: OLD }), 'key');
    await using gateway = startScript('src/main.ts', [], {
      PORT: '0',
      OPENAI_BASE_URL: upstream.baseUrl,
      OPENAI_API_KEY_FILE: file,
      CACHE_ACTIVE_MS: '0',
    });
    const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
    writeFileSync(file, NEW);
    gateway.signal('SIGHUP');
    await gateway.waitForOutput(/read again \(SIGHUP\)/);
    const response = await fetch(`${url}?query=${encodeURIComponent(JOB)}`);
    expect(await response.json()).toMatchObject({ data: { fineTuningJob: { id: 'ftjob-1' } } });
    expect(upstream.calls.map(({ authorization }) => authorization)).toEqual([`Bearer ${NEW}`]);
  });

  it('does not end a process without such files', async () => {
    await using upstream = await startUpstream();
    refuseOthers(upstream, new Set(['test-key-example']));
    await using gateway = await startGatewayProcess(upstream.baseUrl);
    gateway.signal('SIGHUP');
    await until(() => gateway.output.text.includes('SIGHUP'));
    expect((await gateway.query(JOB)).errors).toBeUndefined();
  });
});

describe('/ready', () => {
  const readyOf = async (url: string) => {
    const response = await fetch(new URL('/ready', url));
    return [response.status, await response.json()];
  };
  const REFUSED = [503, { status: 'unready', reason: 'the upstream refuses the API key (HTTP 401)' }];
  const READY = [200, { status: 'ready' }];

  it('responds 503 while the upstream refuses the API key, and 200 with the next one', async () => {
    await using world = await start();
    world.accepted.clear();
    expect(await readyOf(world.gateway.url)).toEqual(REFUSED);
    expect(await readyOf(world.gateway.url)).toEqual(REFUSED);
    expect(world.upstream.calls.length).toBe(1); // At most one call in five seconds.
    world.accepted.add(NEW);
    world.write(NEW);
    world.gateway.reloadFiles();
    expect(await readyOf(world.gateway.url)).toEqual(READY);
    expect(await readyOf(world.gateway.url)).toEqual(READY);
    expect(world.upstream.calls.length).toBe(2);
    const messages = world.gateway.log.map(({ msg }) => msg);
    expect(messages.filter((message) => message === 'the upstream refuses the API key (HTTP 401)')).toHaveLength(1);
  });

  it('makes no call when queries have shown that the key is accepted', async () => {
    await using world = await start();
    await world.gateway.query(JOB);
    expect(await readyOf(world.gateway.url)).toEqual(READY);
    expect(world.upstream.calls.length).toBe(1);
  });

  it('notices a key that is revoked while the gateway runs', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    await world.gateway.query(JOB);
    world.accepted.clear();
    await world.gateway.query(JOB);
    expect(await readyOf(world.gateway.url)).toEqual(REFUSED);
  });

  it.each<[string, number]>([
    ['has no permission', 403],
    ['is down', 503],
    ['limits the rate', 429],
  ])('responds 200 while the upstream %s', async (_, status) => {
    await using world = await start();
    world.upstream.failAll((_request, response) => writeResponse(response, status, { error: { message: 'no' } }));
    expect(await readyOf(world.gateway.url)).toEqual(READY);
  });

  it('responds 200 when one endpoint refuses a key that lists jobs', async () => {
    await using world = await start({ CACHE_ACTIVE_MS: '0' });
    world.upstream.failAll((request, response) => {
      const isList = /\/jobs\?/.test(request.url ?? '');
      writeResponse(response, isList ? 200 : 401, isList ? { object: 'list', data: [] } : { error: { message: 'no' } });
    });
    await world.gateway.query(JOB);
    expect(await readyOf(world.gateway.url)).toEqual(READY);
  });

  it('waits less than a second for an upstream that does not respond', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    expect(await readyOf(world.gateway.url)).toEqual(READY);
    gate.release();
  });

  it('makes no call where callers bring keys of their own', async () => {
    await using world = await start({ AUTH: 'passthrough' });
    world.accepted.clear();
    expect(await readyOf(world.gateway.url)).toEqual(READY);
    expect(world.upstream.calls).toEqual([]);
  });
});
