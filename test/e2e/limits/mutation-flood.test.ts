import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

const MUTATION = 'mutation { deleteFile(input: { fileId: "file-1" }) { __typename } }';
const FLOOD = 200;

it('a query is called before many mutations that wait in the queue of the rate limiter', async () => {
  await using upstream = await startUpstream();
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  upstream.on('/files/file-1', (_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, { id: 'file-1', deleted: true }),
  );
  const clock = createTestClock();
  const settings = { OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', UPSTREAM_MAX_RPS: '4' };
  await using gateway = await startGateway(settings, clock);
  using end = new DisposableStack();
  end.defer(() => clock.advance(60_000)); // Ends all that still wait.
  const clients = new AbortController();
  const flood = Array.from({ length: FLOOD }, () => gateway.query(MUTATION, {}, clients.signal).catch(() => null));
  await gateway.received(FLOOD);
  await until(() => upstream.calls.length === 4);
  const query = gateway.query('{ fineTuningJob(id: "ftjob-1") { status } }');
  await gateway.received(FLOOD + 2);
  clock.advance(1000); // Allows four more calls.
  await until(() => upstream.calls.length === 8);
  expect(upstream.calls.slice(4).map(({ method }) => method)).toContain('GET');
  expect(await query).toEqual({ data: { fineTuningJob: { status: 'RUNNING' } } });
  clients.abort();
  await Promise.all(flood);
});
