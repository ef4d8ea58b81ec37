import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld, type World } from '../../kit/gateway/world.ts';
import { until } from '../../kit/until.ts';

const linesOf = ({ gateway }: World, message: string) => gateway.log.filter(({ msg }) => msg === message);
const answer =
  (status: number, headers: Record<string, string> = {}) =>
  (_: unknown, response: ServerResponse) =>
    writeResponse(response, status, {}, { 'x-request-id': 'req_upstream', ...headers });

it('each transition of the circuit breaker is one line, with the id of the request that has opened it', async () => {
  await using world = await startWorld(NO_CACHE);
  world.upstream.failAll(answer(503));
  for (let count = 0; count < 15; count++) await world.gateway.query(`{ fineTuningJob(id: "ftjob-${count}") { id } }`);
  expect(linesOf(world, 'circuit breaker open')).toMatchObject([
    { level: 40, from: 'closed', openMs: 2000, upstreamRequestId: 'req_upstream' },
  ]);
  world.upstream.failAll(null);
  world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  world.clock.advance(2000);
  await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
  expect(linesOf(world, 'circuit breaker half-open')).toMatchObject([{ level: 30, from: 'open' }]);
  expect(linesOf(world, 'circuit breaker closed')).toMatchObject([{ level: 30, from: 'half_open' }]);
});

it('a retry after more than a second is one line; a short wait is none', async () => {
  await using world = await startWorld({ ...NO_CACHE, UPSTREAM_RETRIES: '2' });
  const retryAfter = ['5', undefined];
  world.upstream.failAll((request, response) => {
    const seconds = retryAfter.shift();
    if (seconds === undefined) world.upstream.failAll(null);
    answer(429, seconds === undefined ? {} : { 'retry-after': seconds })(request, response);
  });
  world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const response = world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
  world.clock.advance(await world.clock.timerBelow(6000));
  world.clock.advance(await world.clock.timerBelow(1000));
  await response;
  expect(linesOf(world, 'upstream retry')).toMatchObject([
    { level: 40, route: '/fine_tuning/jobs/{id}', code: 'UPSTREAM_RATE_LIMITED', upstreamRequestId: 'req_upstream' },
  ]);
});

it('refused credentials are one line in ten seconds, with the number of the suppressed ones', async () => {
  await using world = await startWorld(NO_CACHE);
  world.upstream.failAll(answer(401));
  const read = (id: number) => world.gateway.query(`{ fineTuningJob(id: "ftjob-${id}") { id } }`);
  for (let count = 0; count < 4; count++) await read(count);
  world.clock.advance(10_000);
  await read(4);
  expect(linesOf(world, 'upstream refuses the credential')).toMatchObject([
    { level: 40, route: '/fine_tuning/jobs/{id}', upstreamRequestId: 'req_upstream' },
    { suppressed: 3 },
  ]);
});

it('a poll that ends its subscription is one line', async () => {
  await using world = await startWorld(NO_CACHE);
  world.upstream.failAll(answer(401));
  const query = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';
  await using stream = await openSse(world.gateway.url, { query });
  const result = stream.result();
  await world.clock.timerBelow(1);
  world.clock.advance(1);
  expect(await result).toMatchObject({ errors: [{ extensions: { code: 'UPSTREAM_UNAUTHENTICATED' } }] });
  await until(() => linesOf(world, 'poll dropped').length > 0);
  expect(linesOf(world, 'poll dropped')).toMatchObject([
    { level: 40, kind: 'jobs', code: 'UPSTREAM_UNAUTHENTICATED', upstreamRequestId: 'req_upstream' },
  ]);
});

it('all lines of a request have its trace id, without a tracer too', async () => {
  await using world = await startWorld(NO_CACHE);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  world.upstream.failAll(answer(500));
  await fetch(world.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    body: JSON.stringify({ query: '{ fineTuningJob(id: "ftjob-1") { id } }' }),
  });
  await world.gateway.query('{ gateway { version } }');
  await until(() => linesOf(world, 'request').length === 2);
  expect(linesOf(world, 'upstream call failed')).toMatchObject([{ traceId }]);
  expect(linesOf(world, 'request').map((line) => line['traceId'])).toEqual([traceId, undefined]);
});
