import { describe, expect, it } from 'vitest';
import { newSecret, webhookBody, webhookHeaders } from '../../../kit/bodies/webhook.ts';
import { openSse } from '../../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../../kit/client/ws.ts';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { startOldRedis } from '../../../kit/fleet/old-redis.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import { startGateway, type TestGateway } from '../../../kit/gateway/gateway.ts';
import { startUpstream } from '../../../kit/gateway/upstream.ts';
import { EXAMPLES, makeWritable, mutate } from '../../../kit/mutation/examples.ts';
import { until, untilAsync } from '../../../kit/until.ts';

/** As docs/fleet.md promises. */
const MAX_DELAY_MS = 1000;
/** A busy machine delays single requests. */
const ATTEMPTS = 3;
const SECRET = newSecret();
const SETTINGS = {
  ALLOW_MUTATIONS: 'on',
  MAX_CREATES_PER_DAY: '1000',
  MAX_GRADER_RUNS_PER_DAY: '1000',
  MAX_SUBSCRIPTIONS_PER_CALLER: '100',
  METRICS_PORT: '0',
  OPENAI_WEBHOOK_SECRET: SECRET,
  RATE_LIMIT_PER_MINUTE: '100000',
  UPSTREAM_MAX_RPS: '20',
};

const changesOf = (id: string) => `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status } }`;
const change = (name: string, own: (id: string) => object = () => ({})) => {
  return async (gateway: TestGateway, id: string) => {
    const input = { ...EXAMPLES[name]?.input, ...own(id) };
    return Object((await mutate(gateway.url, 'none', name, input)).outcome).__typename;
  };
};
const get = (url: (gateway: TestGateway) => URL) => async (gateway: TestGateway) => {
  const response = await fetch(url(gateway));
  await response.text();
  return response.status;
};
const query = (text: (id: string) => string) => async (gateway: TestGateway, id: string) =>
  (await gateway.query(text(id))).errors ?? 'data';

/** Each kind of request; `id` is new each time. Resolves to what it has got. */
const REQUESTS: Readonly<Record<string, (gateway: TestGateway, id: string) => Promise<unknown>>> = {
  'a query of what is cached': query(() => '{ fineTuningJob(id: "ftjob-cached") { status } }'),
  'a query of what is not cached': query((id) => `{ fineTuningJob(id: "${id}") { status } }`),
  'a list': query((id) => `{ fineTuningJobs(first: ${Number(id.slice(-2))}) { nodes { id } } }`),
  'a create without a key': change('createFineTuningJob', () => ({ idempotencyKey: undefined })),
  'a create with a key': change('createFineTuningJob', (id) => ({ idempotencyKey: id })),
  'a cancel': change('cancelFineTuningJob'),
  'an upload': change('uploadFile'),
  'a run of a grader': change('runGrader'),
  'the deletion of a file': change('deleteFile'),
  'a download': get(({ url }) => new URL('/files/file-1/content', url)),
  'server-sent events': async ({ url }, id) => {
    await using stream = await openSse(url, { query: changesOf(id) });
    return Object(await stream.result()).data;
  },
  'a subscription by WebSocket': async ({ url }, id) => {
    using socket = await openSocket(url);
    socket.send(subscribe('1', changesOf(id)));
    return Object((await socket.next())['payload']).data;
  },
  'a webhook': async ({ url }, id) => {
    const body = webhookBody(id);
    const headers = webhookHeaders(SECRET, `wh_${id}`, Math.floor(Date.now() / 1000), body);
    return (await fetch(new URL('/webhooks/openai', url), { method: 'POST', headers, body })).status;
  },
  '/ready': get(({ url }) => new URL('/ready', url)),
  '/metrics': get(({ metricsUrl }) => new URL(metricsUrl ?? '')),
};

const STATUS = { fineTuningJobStatusChanged: { status: 'RUNNING' } };
/** Results of other forms than `data` and a success. */
const RESULTS: Readonly<Record<string, unknown>> = {
  'a download': 200,
  'server-sent events': STATUS,
  'a subscription by WebSocket': STATUS,
  'a webhook': 204,
  '/ready': 200,
  '/metrics': 200,
};

/** Refused while Redis is away. */
const REFUSED = ['a create without a key', 'a create with a key', 'a run of a grader'];

async function startWorld() {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startOldRedis());
  const nemesis = opened.use(await startNemesis(redis.port));
  const upstream = opened.use(await startUpstream());
  makeWritable(upstream);
  const settings = { ...SETTINGS, OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: nemesis.url };
  const gateway = opened.use(await startGateway(settings));
  await untilAsync(async () => (await fetch(new URL('/ready', gateway.url))).ok);
  const parts = opened.move();
  return { nemesis, gateway, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

describe.skipIf(redisProgram === null)('while Redis takes packets and sends none', () => {
  it.each(Object.entries(REQUESTS))('%s takes at most a second longer', async (name, request) => {
    await using world = await startWorld();
    const { gateway, nemesis } = world;
    const timed = async (id: string) => {
      const startedAt = performance.now();
      const result = await request(gateway, id);
      return { result, ms: performance.now() - startedAt };
    };
    await gateway.query('{ fineTuningJob(id: "ftjob-cached") { status } }');
    const before = await timed('ftjob-11');
    expect(before.result).toEqual(RESULTS[name] ?? expect.stringMatching(/^data$|Success$/));
    const delays: number[] = [];
    do {
      nemesis.mode = 'hold';
      const away = await timed(`ftjob-${12 + delays.length}`);
      expect(away.result).toEqual(REFUSED.includes(name) ? 'UnavailableError' : before.result);
      delays.push(away.ms - before.ms);
      nemesis.mode = 'pass';
      await until(() => gateway.load().fleet?.isAvailable === true);
    } while (Math.min(...delays) >= MAX_DELAY_MS && delays.length < ATTEMPTS);
    expect(Math.min(...delays)).toBeLessThan(MAX_DELAY_MS);
  });
});
