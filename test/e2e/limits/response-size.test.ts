import { describe, expect, it } from 'vitest';
import { many } from '../../kit/attack/bombs.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import type { GraphqlResponse } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { canMeasureProcesses, startGatewayProcess } from '../../kit/process/gateway-process.ts';

const MIB = 1024 * 1024;
const DEFAULT_MAX = 16 * MIB;

/** Each preview is 6 MiB as JSON: every NUL is escaped by six characters. */
const previews = (count: number) =>
  `{ file(id: "file-1") { ${many(count, (index) => `p${index}: preview(maxBytes: ${MIB}) { text }`)} } }`;

const tooLarge = (max: number) => ({
  data: null,
  errors: [
    {
      message: `responseBytes: exceeds the limit of ${max} bytes of JSON (MAX_RESPONSE_BYTES).`,
      extensions: { code: 'QUERY_TOO_COMPLEX', limit: 'responseBytes', max },
    },
  ],
});

async function startFileWorld(settings: Record<string, string> = {}): Promise<World> {
  const world = await startWorld(settings);
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.onContent('file-1', Buffer.alloc(MIB));
  return world;
}

async function post({ gateway }: World, query: string, accept: string): Promise<string> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return await response.text();
}

describe('a response above MAX_RESPONSE_BYTES is replaced by an error', () => {
  it('over HTTP', async () => {
    await using world = await startFileWorld();
    const text = await post(world, previews(29), 'application/json');
    expect(JSON.parse(text)).toEqual(tooLarge(DEFAULT_MAX));
  });

  it('over server-sent events', async () => {
    await using world = await startFileWorld();
    await using stream = await openSse(world.gateway.url, { query: previews(29) });
    expect(await stream.result()).toEqual(tooLarge(DEFAULT_MAX));
  });

  it('over multipart', async () => {
    await using world = await startFileWorld();
    const text = await post(world, previews(29), 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"');
    expect(text).toContain(JSON.stringify(tooLarge(DEFAULT_MAX).errors[0]?.message).slice(1, -1));
    expect(text.length).toBeLessThan(1000);
  });

  it('over a WebSocket', async () => {
    await using world = await startFileWorld();
    using socket = await openSocket(world.gateway.url);
    socket.send(subscribe('1', previews(29)));
    expect(await socket.next()).toEqual({ id: '1', type: 'next', payload: tooLarge(DEFAULT_MAX) });
  });

  it('when only its escaped characters exceed the limit', async () => {
    await using world = await startFileWorld();
    expect(await world.gateway.query(previews(3))).toEqual(tooLarge(DEFAULT_MAX));
    expect(JSON.stringify((await world.gateway.query(previews(2))).data).length).toBeGreaterThan(12 * MIB);
  });

  it('each time, and is not cached', async () => {
    await using world = await startFileWorld();
    for (let turn = 0; turn < 2; turn++) expect(await world.gateway.query(previews(3))).toEqual(tooLarge(DEFAULT_MAX));
  });

  const SMALL = 5000;
  it.each<[string, string]>([
    ['a list of objects', '{ fineTuningJob(id: "ftjob-1") { metrics(maxPoints: 10000) { points { step } } } }'],
    ['type names', '{ fineTuningJob(id: "ftjob-1") { metrics(maxPoints: 10000) { points { __typename } } } }'],
    ['long aliases', `{ fineTuningJob(id: "ftjob-1") { ${'a'.repeat(SMALL)}: id } }`],
    ['any JSON', '{ fineTuningJob(id: "ftjob-1") { events(first: 100) { edges { node { data } } } } }'],
    ['introspection', '{ __schema { types { name description fields { name } } } }'],
  ])('of %s', async (_, query) => {
    await using world = await startWorld({ MAX_RESPONSE_BYTES: String(SMALL) });
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const events = Array.from({ length: 500 }, (_, step) =>
      eventBody(`e${step}`, { data: { step, notes: 'n'.repeat(100) }, type: 'metrics' }),
    );
    world.upstream.onEvents('ftjob-1', events);
    expect(await world.gateway.query(query)).toEqual(tooLarge(SMALL));
  });

  const STATUS = `subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status job { ${many(29, (index) => `r${index}: raw`)} } } }`;
  const bodyOf = (status: string, size: number) => jobBody({ id: 'ftjob-1', status, notes: 'n'.repeat(size) });
  const statusOf = (result: unknown) =>
    ((result as GraphqlResponse).data?.['fineTuningJobStatusChanged'] as { status: string } | undefined)?.status;

  it('as one result of a subscription, which continues', async () => {
    await using feed = await startFeed();
    feed.upstream.onJob(bodyOf('queued', MIB));
    await using stream = await feed.subscribe(STATUS);
    using socket = await openSocket(feed.gateway.url);
    socket.send(subscribe('1', STATUS));
    await feed.advanceBy(0);
    expect(await stream.result()).toEqual(tooLarge(DEFAULT_MAX));
    expect((await socket.next())['payload']).toEqual(tooLarge(DEFAULT_MAX));
    feed.upstream.onJob(bodyOf('running', 10));
    await feed.advanceBy(10_000);
    expect(statusOf(await stream.result())).toBe('RUNNING');
    expect(statusOf((await socket.next())['payload'])).toBe('RUNNING');
  });
});

it('a mutation whose response is too large is executed, but not the one after it', async () => {
  await using world = await startWorld({ MAX_RESPONSE_BYTES: '10000', ALLOW_MUTATIONS: 'on' });
  for (const id of ['ftjob-1', 'ftjob-2']) {
    world.upstream.onJob(jobBody({ id, status: 'running' }));
    world.upstream.on(
      `/fine_tuning/jobs/${id}/cancel`,
      jobBody({ id, status: 'cancelled', notes: 'n'.repeat(10_000) }),
    );
  }
  const cancel = (name: string, id: string) =>
    `${name}: cancelFineTuningJob(input: { jobId: "${id}" }) { ... on CancelFineTuningJobSuccess { fineTuningJob { raw } } }`;
  const result = await world.gateway.query(`mutation { ${cancel('a', 'ftjob-1')} ${cancel('b', 'ftjob-2')} }`);
  expect(result).toEqual(tooLarge(10_000));
  const changes = world.upstream.calls.filter(({ method }) => method === 'POST');
  expect(changes.map(({ target }) => target)).toEqual(['/fine_tuning/jobs/ftjob-1/cancel']);
});

describe.skipIf(!canMeasureProcesses)('29 large previews, and 29 long curves, in one query', () => {
  const ROWS = 20_000;
  const curves = many(29, (index) => `m${index}: metrics(maxPoints: ${10_000 - index}) { points { step data } }`);
  it('take less than 400 MiB, and others get their responses', async () => {
    await using upstream = await startUpstream();
    upstream.onFile(fileBody('file-1'));
    upstream.onContent('file-1', Buffer.alloc(MIB));
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', finished_at: 1, result_files: ['file-2'] }));
    const names = Array.from({ length: 40 }, (_, index) => `grader_${index}`);
    const rows = Array.from({ length: ROWS }, (_, step) => [step, ...names.map((_, index) => index)].join());
    upstream.onContent('file-2', ['step', ...names].join(), '\n', rows.join('\n'));
    await using gateway = await startGatewayProcess(upstream.baseUrl);
    const attacks = [previews(29), `{ fineTuningJob(id: "ftjob-1") { ${curves} } }`].map((query) =>
      gateway.query(query),
    );
    for (let turn = 0; turn < 5; turn++) {
      expect(await gateway.query(`{ fineTuningJob(id: "ftjob-1") { id } } # ${turn}`)).toEqual({
        data: { fineTuningJob: { id: 'ftjob-1' } },
      });
    }
    for (const result of await Promise.all(attacks)) expect(result).toEqual(tooLarge(DEFAULT_MAX));
    expect(gateway.peakMib()).toBeLessThan(400);
  }, 60_000);
});
