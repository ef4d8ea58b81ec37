import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway as startProcess } from '../../bench/rows.ts';
import { type AttackedGateway, type AttackOptions, startAttackedGateway } from '../../kit/attack/attack.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe, type TestSocket } from '../../kit/client/ws.ts';
import { createTestClock, turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

const MIB = 1024 * 1024;
const SSE = 'text/event-stream';
const MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"';
const STATUS = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { job { id seed } } }';

/** Opens a subscription on a raw connection, which the test can pause or close. */
async function openRawSubscription(url: string, query: string, accept: string): Promise<RawConnection> {
  const connection = await openRawConnection(url);
  const body = JSON.stringify({ query });
  connection.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\nContent-Type: application/json\r\n`,
    `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  return connection;
}

describe('clients that stop reading while 20,000 changes come', () => {
  const JOBS = 100;
  const ROUNDS = 200;
  const MAX_RISE = 30 * MIB;
  const ALL = `subscription { anyFineTuningJobStatusChanged { job { id seed metadata { value } } } }`;
  // About 40 MB per client in total: far above the buffers of its connection.
  const metadata = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`k${n}`, 'x'.repeat(500)]));
  const bodyOf = (index: number, round: number) =>
    jobBody({ id: `ftjob-${index}`, status: round % 2 === 0 ? 'running' : 'queued', seed: round, metadata });
  const isLast = (index: number) => new RegExp(`"id":"ftjob-${index}","seed":${ROUNDS},`);
  const indices = Array.from({ length: JOBS }, (_, index) => index);

  async function expectNewest(socket: TestSocket): Promise<number> {
    const missing = new Set(indices.map((index) => `ftjob-${index}`));
    for (let count = 0; ; count++) {
      if (missing.size === 0) return count;
      const { payload } = (await socket.next()) as { payload: { data: { anyFineTuningJobStatusChanged: Change } } };
      const { job } = payload.data.anyFineTuningJobStatusChanged;
      if (job.seed === ROUNDS) missing.delete(job.id);
    }
  }

  it('cost bounded memory, delay no other client, and then get the newest state of every job', async () => {
    await using upstream = await startUpstream();
    let round = 0;
    upstream.on('/fine_tuning/jobs', (_request: unknown, response: Parameters<typeof writeResponse>[0]) =>
      writeResponse(response, 200, {
        object: 'list',
        data: indices.map((index) => bodyOf(index, round)),
        has_more: false,
      }),
    );
    const settings = { CACHE_ACTIVE_MS: '0', CACHE_MAX_MB: '8', POLL_INTERVAL_MS: '3600000', LOG_LEVEL: 'warn' };
    await using gateway = await startProcess('gateway', upstream.baseUrl, settings, ['--expose-gc']);
    await using events = await openRawSubscription(gateway.url, ALL, SSE);
    await using parts = await openRawSubscription(gateway.url, ALL, MULTIPART);
    using socket = await openSocket(gateway.url);
    socket.send(subscribe('1', ALL));
    await using reader = await openSse(gateway.url, { query: ALL });
    for (const connection of [events, parts]) {
      await connection.receivedMatch(/"id":"ftjob-99"/);
      connection.pause();
    }
    for (let count = 0; count < JOBS; count++) await socket.next();
    socket.socket.pause();
    for (let count = 0; count < JOBS; count++) await reader.result();

    const { used } = await gateway.memory('collect');
    const listQuery = JSON.stringify({ query: '{ fineTuningJobs(first: 100) { edges { cursor } } }' });
    for (round = 1; round <= ROUNDS; round++) {
      const headers = { 'content-type': 'application/json' };
      await (await fetch(gateway.url, { method: 'POST', headers, body: listQuery })).text();
      // The reading client gets every change of the round before the next round: 20,000 in all.
      for (let count = 0; count < JOBS; count++) {
        const { data } = (await reader.result()) as { data: { anyFineTuningJobStatusChanged: Change } };
        expect(data.anyFineTuningJobStatusChanged.job.seed).toBe(round);
      }
    }

    round = ROUNDS;
    expect((await gateway.memory('collect')).used - used).toBeLessThan(MAX_RISE);

    for (const connection of [events, parts]) {
      connection.resume();
      for (const index of indices) await connection.receivedMatch(isLast(index));
      const received = await connection.receivedMatch(/^/);
      expect(received.input.match(/"seed":/g)?.length).toBeLessThan((JOBS * ROUNDS) / 2);
    }
    socket.socket.resume();
    expect(await expectNewest(socket)).toBeLessThan((JOBS * ROUNDS) / 2);
  }, 120_000);
});

interface Change {
  readonly job: { readonly id: string; readonly seed: number };
}

/** Subscribes over a transport, and disconnects after the first result without closing the subscription. */
type Session = (url: string) => Promise<void>;

const disconnectStream =
  (accept: string): Session =>
  async (url) => {
    await using connection = await openRawSubscription(url, STATUS, accept);
    await connection.receivedMatch(/"seed":42/);
  };

const disconnectSocket: Session = async (url) => {
  using socket = await openSocket(url);
  socket.send(subscribe('1', STATUS), subscribe('2', `${STATUS} # 2`));
  for (let count = 0; count < 2; count++) expect((await socket.next())['type']).toBe('next');
};

/** Subscribes and disconnects 50 times. */
const repeatStreams: Session = async (url) => {
  for (let turn = 0; turn < 50; turn++) await disconnectStream(SSE)(url);
};

/** Subscribes and completes 50 times on one socket. */
const repeatOnSocket: Session = async (url) => {
  using socket = await openSocket(url);
  for (let turn = 0; turn < 50; turn++) {
    const id = String(turn);
    socket.send(subscribe(id, STATUS));
    expect(await socket.next()).toMatchObject({ id, type: 'next' });
    socket.send({ id, type: 'complete' });
  }
};

const SESSIONS: [string, Session, AttackOptions & { atOnce: number; rounds: number }][] = [
  ['500 clients of server-sent events that disconnect', disconnectStream(SSE), { atOnce: 125, rounds: 4 }],
  ['500 clients of multipart subscriptions that disconnect', disconnectStream(MULTIPART), { atOnce: 125, rounds: 4 }],
  ['200 WebSockets that disconnect with two subscriptions each', disconnectSocket, { atOnce: 50, rounds: 4 }],
  ['2,000 streams of server-sent events that start and end', repeatStreams, { atOnce: 10, rounds: 4 }],
  ['2,000 subscriptions that start and end on 40 WebSockets', repeatOnSocket, { atOnce: 10, rounds: 4 }],
];

/** Longer than the timers of polls that are due, shorter than heartbeats and later polls. */
const SOON_MS = 1000;

describe('nothing is left of', () => {
  const settings = { RATE_LIMIT_PER_MINUTE: '0', MAX_SUBSCRIPTIONS_PER_CALLER: '1000' };
  let attacked: AttackedGateway;
  beforeAll(async () => {
    attacked = await startAttackedGateway(settings);
  });
  afterAll(() => attacked[Symbol.asyncDispose]());

  it.each(SESSIONS)(
    '%s, in memory',
    async (_, session, options) => {
      await attacked.withstands(() => session(attacked.url), options);
    },
    120_000,
  );

  it.each(SESSIONS)(
    '%s, by count: no stream, group, poll or timer',
    async (_, session, { atOnce, rounds }) => {
      const clock = createTestClock();
      await using upstream = await startUpstream();
      upstream.onJob(jobBody({ id: 'ftjob-1' }));
      await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...settings }, clock);
      await turning(clock, SOON_MS, session(gateway.url));
      await until(() => gateway.load().streams === 0);
      const { timers } = clock;
      await turning(clock, SOON_MS, Promise.all(Array.from({ length: atOnce * rounds }, () => session(gateway.url))));
      await until(() => gateway.load().streams === 0);
      await until(() => gateway.load().groups === 0);
      expect(gateway.load()).toMatchObject({ groups: 0, watched: 0 });
      expect(clock.timers).toBe(timers);
      const { length } = upstream.calls;
      clock.advance(3_600_000);
      await gateway.query('{ __typename }'); // Completes after everything that the advance has started.
      expect(upstream.calls).toHaveLength(length);
    },
    60_000,
  );
});
