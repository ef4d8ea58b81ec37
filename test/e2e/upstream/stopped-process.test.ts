import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createUpstream } from '../../../src/upstream/upstream.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

it('a process that was stopped while it connected does not send a create after its deadline', async () => {
  await using server = await startUpstream();
  let stoppedMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + stoppedMs };
  const bounds = { timeoutMs: 60_000, connections: 1, retries: 0, maxRps: 1000 };
  const upstream = createUpstream({ baseUrl: new URL(server.baseUrl), clock, ...bounds });
  const creating = upstream.jobs.create({}, { credential: { apiKey: 'test' }, signal: new AbortController().signal });
  stoppedMs = bounds.timeoutMs; // Timers run later than the connection is made.
  await expect(creating).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', isOutcomeUnknown: false });
  expect(server.calls).toEqual([]);
  await upstream.dispose();
});
