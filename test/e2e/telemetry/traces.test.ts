import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startProxy } from '../../kit/gateway/proxy.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';
import { type Collector, startCollector } from '../../kit/telemetry/collector.ts';
import { until } from '../../kit/until.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const traceparent = (flags: string) => ({ traceparent: `00-${TRACE}-${PARENT}-${flags}` });
const JOB = 'ftjob-000000000000000000000001';
const CHANGES = `subscription Follow { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
const readJob = (name: string) => `query ${name} { fineTuningJob(id: "${JOB}") { id } }`;

afterEach(() => void vi.unstubAllEnvs());

/** A gateway that sends its spans to the collector at once, with one job. */
async function startTraced({ url }: Pick<Collector, 'url'>, settings: Record<string, string> = {}): Promise<World> {
  const world = await startWorld({
    ...NO_CACHE,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
    ...settings,
  });
  world.upstream.onJob(jobBody({ id: JOB }));
  return world;
}

describe('a trace', () => {
  it('goes from the client through request and operation to the upstream, and into the log', async () => {
    await using collector = await startCollector();
    await using world = await startTraced(collector);
    const headers = { ...traceparent('01'), tracestate: 'vendor=1', 'x-request-id': 'from-the-proxy' };
    await post(world.gateway.url, { query: readJob('Read') }, headers);
    const request = await collector.span('POST /graphql');
    const operation = await collector.span('GraphQL query');
    const call = await collector.span('GET /fine_tuning/jobs/{id}');
    expect([request, operation, call].map((span) => span.traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect([request, operation, call].map((span) => span.parentSpanId)).toEqual([
      PARENT,
      request.spanId,
      operation.spanId,
    ]);
    expect(request.attributes).toMatchObject({
      'http.route': '/graphql',
      'http.response.status_code': 200,
      'finetune.request_id': 'from-the-proxy',
    });
    expect(operation.attributes).toMatchObject({ 'graphql.operation.name': 'Read' });
    expect(call.attributes).toMatchObject({ 'finetune.cause': 'query', 'http.response.status_code': 200 });
    expect(world.upstream.calls[0]?.headers).toMatchObject({
      traceparent: `00-${TRACE}-${call.spanId}-01`,
      tracestate: 'vendor=1',
    });
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    expect(world.gateway.log.find(({ msg }) => msg === 'request')).toMatchObject({ traceId: TRACE });
    expect(collector.services).toEqual(new Set(['finetune-gateway']));
  });

  it('is not recorded without the sampled flag of the client, which goes to the upstream', async () => {
    await using collector = await startCollector();
    await using world = await startTraced(collector);
    await post(world.gateway.url, { query: readJob('Unsampled') }, traceparent('00'));
    await post(world.gateway.url, { query: readJob('Sampled') }, { ...traceparent('01') });
    await collector.span('POST /graphql');
    expect(world.upstream.calls[0]?.headers['traceparent']).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-00$`));
    await world.gateway[Symbol.asyncDispose]();
    expect(collector.spans.filter(({ name }) => name === 'POST /graphql')).toHaveLength(1);
  });

  it('obeys OTEL_TRACES_SAMPLER: a ratio of 0 records only what the clients have sampled', async () => {
    await using collector = await startCollector();
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    await using world = await startTraced(collector, sampler);
    await post(world.gateway.url, { query: readJob('Own') });
    await post(world.gateway.url, { query: readJob('Sampled') }, traceparent('01'));
    await world.gateway[Symbol.asyncDispose]();
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  });

  it('is recorded whole, or not at all when 100 others began in the same second', async () => {
    await using collector = await startCollector();
    await using world = await startTraced(collector);
    const send = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => post(world.gateway.url, { query: readJob(`Many${n}`) })));
    await send(150);
    world.clock.advance(1000);
    await send(1);
    await world.gateway[Symbol.asyncDispose]();
    const countOf = (kind: string) => collector.spans.filter(({ name }) => name === kind).length;
    expect([countOf('POST /graphql'), countOf('GraphQL query')]).toEqual([101, 101]);
  });

  it('has the code of an error, and each retry as a call of its own', async () => {
    await using collector = await startCollector();
    await using world = await startTraced(collector, { UPSTREAM_RETRIES: '1' });
    world.upstream.failAll((_, response) => void response.writeHead(500, { 'x-request-id': 'req_failed' }).end('{}'));
    const response = post(world.gateway.url, { query: readJob('Failing') });
    world.clock.advance(await world.clock.timerBelow(1000));
    await response;
    await world.gateway[Symbol.asyncDispose]();
    const calls = collector.spans.filter(({ name }) => name === 'GET /fine_tuning/jobs/{id}');
    expect(calls.map(({ isError, attributes }) => [isError, attributes['http.request.resend_count']])).toEqual([
      [true, undefined],
      [true, 1],
    ]);
    expect(calls[0]?.attributes).toMatchObject({ 'finetune.upstream.request_id': 'req_failed' });
    expect(collector.spans.find(({ name }) => name === 'GraphQL query')).toMatchObject({ isError: true });
  });
});

describe('without a tracer', () => {
  it.each([{}, { METRICS_PORT: '0' }])('the trace of a client goes on at the upstream, with %j', async (settings) => {
    await using world = await startWorld({ ...NO_CACHE, ...settings });
    world.upstream.onJob(jobBody({ id: JOB }));
    const headers = { ...traceparent('01'), tracestate: 'vendor=1' };
    await post(world.gateway.url, { query: readJob('Read') }, headers);
    await post(world.gateway.url, { query: readJob('Read') });
    const received = world.upstream.calls.map((call) => [call.headers['traceparent'], call.headers['tracestate']]);
    expect(received).toEqual([
      [headers.traceparent, 'vendor=1'],
      [undefined, undefined],
    ]);
  });
});

describe('a poll', () => {
  it.each(['sse', 'websocket'])(
    'is a root, linked to the subscription over %s, as its delivery is',
    async (transport) => {
      await using collector = await startCollector();
      await using world = await startTraced(collector);
      const { gateway, clock } = world;
      using opened = new DisposableStack();
      if (transport === 'sse') {
        const stream = await openSse(gateway.url, { query: CHANGES }, traceparent('01'));
        opened.defer(() => stream.close());
      } else {
        const socket = opened.use(await openSocket(gateway.url, { headers: traceparent('01') }));
        socket.send(subscribe('1', CHANGES));
      }
      clock.advance(await clock.timerBelow(1));
      const poll = await collector.span('poll jobs');
      const call = await collector.span('GET /fine_tuning/jobs/{id}');
      const delivery = await collector.span('delivery');
      expect([poll.parentSpanId, delivery.parentSpanId]).toEqual(['', '']);
      expect(poll.traceId).not.toBe(TRACE);
      expect([poll.links, delivery.links]).toMatchObject([[{ traceId: TRACE }], [{ traceId: TRACE }]]);
      expect([call.traceId, call.parentSpanId]).toEqual([poll.traceId, poll.spanId]);
      expect(call.attributes).toMatchObject({ 'finetune.cause': 'poll' });
    },
  );
});

it('spans have no keys, tokens, ids, variables or contents', async () => {
  await using collector = await startCollector();
  await using world = await startTraced(collector, {
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector-token',
  });
  world.upstream.onFile(fileBody('file-1', { filename: 'secret-name.jsonl' }));
  world.upstream.onContent('file-1', '{"messages":[{"role":"user","content":"secret-content"}]}\n');
  const query = 'query Read($id: ID!) { file(id: $id) { filename preview { text } } }';
  const { body } = await post(
    world.gateway.url,
    { query, variables: { id: 'file-1' } },
    { authorization: 'Bearer secret-token' },
  );
  expect(body.errors).toBeUndefined();
  await (await fetch(new URL('/files/file-1/content', world.gateway.url))).text();
  await world.gateway[Symbol.asyncDispose]();
  expect(collector.spans.map(({ name }) => name)).toContain('GET /files/{id}/content');
  expect(collector.bodies.join()).not.toMatch(/file-1|secret-|test-[\da-f]{8}|collector-token/);
  expect(collector.headers[0]).toMatchObject({ authorization: 'Bearer collector-token' });
});

it('metrics are sent to the same collector', async () => {
  await using collector = await startCollector();
  await using world = await startTraced(collector);
  await world.gateway.query(readJob('Read'));
  await until(() => collector.metrics.has('http.client.request.duration'));
  expect(collector.metrics).toContain('finetune.operations');
});

describe('a collector that is down', () => {
  it('is one line in the log, and a second one when it is back; queries are answered', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '100');
    const placeholder = await startCollector();
    await placeholder[Symbol.asyncDispose]();
    await using world = await startTraced(placeholder, {
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${placeholder.url}/v1/metrics`,
    });
    const lines = () =>
      world.gateway.log.filter(({ msg, signal }) => String(msg).includes('collector') && signal === 'traces');
    for (let count = 0; lines().length === 0; count++) await world.ask(readJob(`Read${count}`));
    for (let count = 0; count < 20; count++) await world.ask(readJob(`More${count}`));
    expect(lines()).toMatchObject([{ level: 40, msg: 'the telemetry collector is unavailable' }]);
    await using revived = await startCollector(Number(new URL(placeholder.url).port));
    for (let count = 0; lines().length === 1; count++) await world.ask(readJob(`Later${count}`));
    expect(lines()[1]).toMatchObject({ level: 30, msg: 'the telemetry collector is available again' });
    expect(revived.spans.length).toBeGreaterThan(0);
  });

  it('accepts connections and never answers: queries are answered', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '200');
    const hole = createServer(() => {});
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
    const { port } = hole.address() as AddressInfo;
    const world = await startTraced({ url: `http://127.0.0.1:${port}` });
    let connections = 0;
    hole.on('connection', () => void connections++);
    for (let count = 0; connections === 0 || count < 50; count++) await world.ask(readJob(`Read${count}`));
    await world[Symbol.asyncDispose]();
    hole.close();
    expect(
      world.gateway.log.filter(({ msg }) => msg === 'the telemetry collector is unavailable').length,
    ).toBeLessThanOrEqual(2);
  });
});

it('are sent through the proxy, as metrics are', async () => {
  await using collector = await startCollector();
  const port = Number(new URL(collector.url).port);
  await using proxy = await startProxy(port, { credentials: 'ann:p@ss-word/4711' });
  const HTTP_PROXY = proxy.url.replace('://', '://ann:p%40ss-word%2F4711@');
  const endpoint = { url: 'http://collector.example:4318' };
  await using world = await startTraced(endpoint, { HTTP_PROXY, NO_PROXY: 'api.openai.com' });
  await post(world.gateway.url, { query: readJob('Proxied') });
  await collector.span('GraphQL query');
  await until(() => collector.metrics.size > 0);
  expect(proxy.requests.map(({ target }) => target)).toEqual(
    expect.arrayContaining(['http://collector.example:4318/v1/traces', 'http://collector.example:4318/v1/metrics']),
  );
});
