import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, type MetricDefinition } from '../../../src/telemetry/metrics/catalogue.ts';
import { prometheusNameOf } from '../../../src/telemetry/metrics/prometheus-name.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket } from '../../kit/client/ws.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { type Scrape, scrape } from '../../kit/telemetry/scrape.ts';
import { until } from '../../kit/until.ts';

const ON = { METRICS_PORT: '0' };
const JOB = 'ftjob-000000000000000000000001';
const CHANGES = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
const read = ({ gateway }: World) => scrape(gateway.metricsUrl);

const DEFINITIONS = new Map<string, MetricDefinition>(
  Object.entries(CATALOGUE).map(([name, definition]) => [prometheusNameOf(name as keyof typeof CATALOGUE), definition]),
);

/** The samples whose name or labels are not in the catalogue. */
function strangersIn({ samples }: Scrape): unknown[] {
  return samples.filter(({ name, labels }) => {
    if (name === 'target_info') return false;
    const definition = DEFINITIONS.get(name) ?? DEFINITIONS.get(name.replace(/_(bucket|count|sum)$/, ''));
    const known = Object.entries(definition?.labels ?? {}).map(([label, values]) => [
      label.replaceAll('.', '_'),
      values,
    ]);
    const byLabel = new Map(known as [string, readonly string[] | string][]);
    return (
      !definition ||
      Object.entries(labels).some(([label, value]) => label !== 'le' && !allows(byLabel.get(label), value))
    );
  });
}

const allows = (values: readonly string[] | string | undefined, value: string) =>
  typeof values === 'string' || values?.includes(value) === true;

describe('the listener of METRICS_PORT', () => {
  it('serves metrics, health and readiness, and nothing else', async () => {
    await using world = await startWorld(ON);
    const at = (path: string, init?: RequestInit) => fetch(new URL(path, world.gateway.metricsUrl), init);
    const metrics = await at('/metrics');
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect([(await at('/health')).status, (await at('/ready')).status]).toEqual([200, 200]);
    expect([(await at('/graphql')).status, (await at('/metrics', { method: 'POST' })).status]).toEqual([404, 405]);
  });

  it('is missing without the setting', async () => {
    await using world = await startWorld();
    expect(world.gateway.metricsUrl).toBeUndefined();
  });
});

describe('metrics', () => {
  it('count requests, operations, caches and upstream calls, by routes and never by ids', async () => {
    await using world = await startWorld({ ...ON, OPENAI_WEBHOOK_SECRET: 'whsec_dGVzdC1zZWNyZXQtZXhhbXBsZQ==' });
    const { gateway, upstream } = world;
    upstream.onJob(jobBody({ id: JOB }));
    for (let count = 0; count < 3; count++) await gateway.query(`query Secret { fineTuningJob(id: "${JOB}") { id } }`);
    await gateway.query('{ fineTuningJob(id: "ftjob-absent") { id } }');
    await gateway.query('{ nonsense }');
    await fetch(new URL('/files/file-1/content', gateway.url));
    await fetch(new URL('/unknown/file-1', gateway.url));
    await fetch(new URL('/webhooks/openai', gateway.url), { method: 'POST', body: '{}' });
    await until(() => gateway.log.filter(({ msg }) => msg === 'request').length === 8);
    const metrics = await read(world);
    const ok = { http_request_method: 'POST', http_route: '/graphql', http_response_status_code: '200' };
    expect(metrics.value('http_server_request_duration_count', ok)).toBe(5);
    expect(metrics.value('http_server_request_duration_count', { http_route: '/files/ID/content' })).toBe(1);
    expect(metrics.value('http_server_request_duration_count', { http_route: 'other' })).toBe(1);
    expect(metrics.value('finetune_webhooks_total', { finetune_outcome: 'rejected' })).toBe(1);
    const query = { graphql_operation_type: 'query', graphql_operation_name: 'other' };
    expect(metrics.value('finetune_operations_total', { ...query, finetune_outcome: 'ok' })).toBe(4);
    expect(metrics.value('finetune_operations_total', { finetune_outcome: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    expect(metrics.value('finetune_cache_reads_total', { finetune_kind: 'response', finetune_outcome: 'hit' })).toBe(2);
    expect(metrics.value('finetune_cache_reads_total', { finetune_kind: 'job', finetune_outcome: 'miss' })).toBe(2);
    const call = { url_template: '/fine_tuning/jobs/{id}', finetune_cause: 'query' };
    expect(metrics.value('http_client_request_duration_count', { ...call, http_response_status_code: '200' })).toBe(1);
    expect(metrics.value('http_client_request_duration_count', { ...call, http_response_status_code: '404' })).toBe(1);
    expect(metrics.value('finetune_limit', { finetune_setting: 'MAX_SUBSCRIPTIONS' })).toBe(20_000);
    expect(strangersIn(metrics)).toEqual([]);
    expect(metrics.text).not.toMatch(/ftjob-|file-1|Secret|whsec_|test-[\da-f]{8}/);
  });

  it('count reads that share one upstream call', async () => {
    await using world = await startWorld({ ...ON, ...NO_CACHE });
    world.upstream.onJob(jobBody({ id: JOB }));
    const gate = world.upstream.hold();
    const reads = ['a', 'b', 'c'].map((alias) => world.ask(`{ ${alias}: fineTuningJob(id: "${JOB}") { id } }`));
    await world.gateway.received(3);
    gate.release();
    await Promise.all(reads);
    const metrics = await read(world);
    expect(metrics.value('finetune_cache_reads_total', { finetune_kind: 'job', finetune_outcome: 'join' })).toBe(2);
  });

  it('count streams by transport and reason, polls by cause, and deliveries', async () => {
    await using world = await startWorld({ ...ON, ...NO_CACHE });
    const { gateway, upstream, clock } = world;
    upstream.onJob(jobBody({ id: JOB }));
    const stream = await openSse(gateway.url, { query: CHANGES });
    using socket = await openSocket(gateway.url);
    socket.send({ type: 'ping' });
    await socket.next();
    clock.advance(await clock.timerBelow(1));
    await stream.result();
    upstream.onJob(jobBody({ id: JOB, status: 'succeeded' }));
    const end = stream.result();
    clock.advance(await clock.timerBelow(60_000));
    await until(() => {
      if (clock.untilNext < 60_000) clock.advance(clock.untilNext);
      return gateway.log.some(({ transport }) => transport === 'sse');
    });
    await end;
    const metrics = await read(world);
    expect(metrics.value('finetune_streams', { finetune_transport: 'sse' })).toBe(0);
    expect(metrics.value('finetune_streams', { finetune_transport: 'websocket' })).toBe(1);
    expect(metrics.value('finetune_streams_started_total', { finetune_transport: 'sse' })).toBe(1);
    expect(
      metrics.value('finetune_streams_ended_total', { finetune_transport: 'sse', finetune_reason: 'completed' }),
    ).toBe(1);
    expect(metrics.value('finetune_deliveries_total', { finetune_transport: 'sse' })).toBe(2);
    expect(metrics.value('finetune_delivery_delay_count')).toBe(1);
    expect(metrics.value('finetune_poll_lag_count', { finetune_kind: 'jobs' })).toBeGreaterThanOrEqual(2);
    expect(metrics.value('http_client_request_duration_count', { finetune_cause: 'poll' })).toBeGreaterThanOrEqual(2);
    expect(metrics.value('finetune_operations_total', { graphql_operation_type: 'subscription' })).toBe(1);
    expect(strangersIn(metrics)).toEqual([]);
  });

  it('show the circuit breaker, refused credentials and failed mutations', async () => {
    await using world = await startWorld({ ...ON, ...NO_CACHE, ALLOW_MUTATIONS: 'on' });
    const { gateway, upstream } = world;
    expect((await read(world)).value('finetune_upstream_breakers', { finetune_state: 'open' })).toBe(0);
    upstream.failAll((_, response) => writeResponse(response, 401, {}));
    await gateway.query(`mutation { deleteFile(input: { fileId: "file-1" }) { __typename } }`);
    upstream.failAll((_, response) => writeResponse(response, 503, {}));
    for (let count = 0; count < 10; count++) await gateway.query(`{ fineTuningJob(id: "ftjob-${count}") { id } }`);
    const metrics = await read(world);
    expect(metrics.value('finetune_upstream_breakers', { finetune_state: 'open' })).toBe(1);
    expect(metrics.value('finetune_upstream_breaker_transitions_total', { finetune_state: 'open' })).toBe(1);
    expect(metrics.value('finetune_upstream_credential_refusals_total')).toBe(1);
    expect(metrics.value('finetune_mutations_total', { finetune_mutation: 'deleteFile' })).toBe(1);
    expect(metrics.value('http_client_request_duration_count', { finetune_cause: 'mutation' })).toBe(1);
    expect(strangersIn(metrics)).toEqual([]);
  });
});

describe('operation names', () => {
  it('are a label for trusted documents only', async () => {
    const text = 'query Trusted { gateway { version } }';
    const hash = createHash('sha256').update(text).digest('hex');
    const file = join(makeFolder({ 'persisted.json': JSON.stringify({ [hash]: text }) }), 'persisted.json');
    await using world = await startWorld({ ...ON, TRUSTED_DOCUMENTS: file, TRUSTED_DOCUMENTS_MODE: 'log' });
    for (const query of [text, text, 'query Trusted { gateway { version } viewer { role } }']) {
      await world.gateway.query(query);
    }
    await until(() => world.gateway.log.filter(({ msg }) => msg === 'request').length === 3);
    const metrics = await read(world);
    expect(metrics.value('finetune_operations_total', { graphql_operation_name: 'Trusted' })).toBe(2);
    expect(metrics.value('finetune_operations_total', { graphql_operation_name: 'other' })).toBe(1);
  });

  it('that are made up add no series: 10,000 of them', async () => {
    await using world = await startWorld({ ...ON, RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'warn' });
    await world.gateway.query('query First { __typename }');
    const before = (await read(world)).text.split('\n').length;
    for (let count = 0; count < 10_000; count += 100) {
      const names = Array.from({ length: 100 }, (_, index) => `Made${count + index}`);
      await Promise.all(names.map((name) => world.gateway.query(`query ${name} { __typename }`)));
    }
    const metrics = await read(world);
    expect(metrics.value('finetune_operations_total')).toBeGreaterThanOrEqual(10_000);
    expect(metrics.text.split('\n').length).toBe(before);
  }, 120_000); // Each of them is parsed and validated.
});

it('a scrape has the same size for any number of streams', async () => {
  await using world = await startWorld({ ...ON, MAX_SUBSCRIPTIONS_PER_CALLER: '1000' });
  world.upstream.onJob(jobBody({ id: JOB }));
  const first = await openSse(world.gateway.url, { query: CHANGES });
  const before = (await read(world)).samples.length;
  const streams = await Promise.all(Array.from({ length: 200 }, () => openSse(world.gateway.url, { query: CHANGES })));
  const metrics = await read(world);
  expect(metrics.value('finetune_streams', { finetune_transport: 'sse' })).toBe(201);
  expect(metrics.samples.length).toBe(before);
  for (const stream of [first, ...streams]) stream.close();
});
