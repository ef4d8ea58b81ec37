import { subscribe as listen, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse, type SseStream } from '../../kit/client/sse.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { createGrowingLog } from '../../kit/store/growing-log.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const EVENTS = `subscription ($since: ID, $fromStart: Boolean) {
  fineTuningJobEventAdded(jobId: "${JOB}", since: $since, fromStart: $fromStart) { event { id } }
}`;

async function start(status = 'running') {
  const feed = await startFeed();
  feed.upstream.onJob(jobBody({ id: JOB, status }));
  return { feed, log: createGrowingLog(feed.upstream, JOB), [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

const idOf = (result: unknown): string =>
  Object(result).data?.fineTuningJobEventAdded.event.id ?? JSON.stringify(result);

/** The ids of the next so many events. */
async function take(stream: SseStream, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(idOf(await stream.result()));
  return ids;
}

/** The ids of all events until the stream is complete. */
async function takeAll(stream: SseStream): Promise<string[]> {
  const ids: string[] = [];
  for (let result = await stream.result(); result !== undefined; result = await stream.result()) ids.push(idOf(result));
  return ids;
}

/** Ends the job, and turns the clock until its streams are complete. */
async function finish({ upstream, turn, seconds }: Feed) {
  upstream.onJob(jobBody({ id: JOB, status: 'succeeded', finished_at: seconds() }));
  await turn(180_000);
}

describe('the events of a job', () => {
  it('come without a gap, none twice and in their order, in whatever bursts and with equal times', async () => {
    await using world = await start();
    const { feed, log } = world;
    const before = log.grow(150);
    await using stream = await feed.follow(EVENTS);
    await feed.turn(0);
    for (const count of [500, 0, 1, 100, 99, 0, 101, 250]) {
      log.grow(count);
      await feed.turn(INTERVAL_MS);
    }
    await finish(feed);
    expect(await takeAll(stream)).toEqual(log.ids.slice(before.length));
  });

  it('are read once for all who follow them, whenever they have come', async () => {
    await using world = await start();
    const { feed, log } = world;
    log.grow(120);
    const streams = [await feed.follow(EVENTS)];
    await feed.turn(0);
    for (let n = 1; n <= 3; n++) {
      log.grow(230);
      streams.push(await feed.follow(EVENTS)); // In the middle of a burst that was not seen yet.
      const calls = await feed.turn(INTERVAL_MS);
      const pages = calls.filter(({ target }) => target.includes('/events'));
      expect(pages.map(({ target }) => target.includes('after='))).toEqual([false, true, true]);
    }
    await finish(feed);
    const begins = [120, 120, 350, 580];
    for (const [index, stream] of streams.entries()) {
      expect(await takeAll(stream), `of reader ${index}`).toEqual(log.ids.slice(begins[index]));
    }
  });

  it('begin behind any event that a reader names, however far back, or with the first', async () => {
    await using world = await start();
    const { feed, log } = world;
    const ids = log.grow(3000);
    const variables = [{ since: ids[1234] }, { since: ids[0] }, { since: ids[2999] }, { fromStart: true }];
    const streams = await Promise.all(variables.map((one) => feed.follow(EVENTS, one)));
    await feed.turn(0);
    log.grow(130);
    await feed.turn(INTERVAL_MS);
    await finish(feed);
    for (const [index, begin] of [1235, 1, 3000, 0].entries()) {
      expect(await takeAll(streams[index] as SseStream), `of reader ${index}`).toEqual(log.ids.slice(begin));
    }
  });

  it('begin behind an event that is newer than the last look', async () => {
    await using world = await start();
    const { feed, log } = world;
    log.grow(10);
    await using first = await feed.follow(EVENTS);
    await feed.turn(0);
    const [since] = log.grow(300);
    await using second = await feed.follow(EVENTS, { since });
    await feed.turn(0);
    expect(await take(second, 299)).toEqual(log.ids.slice(11));
    expect(await take(first, 300)).toEqual(log.ids.slice(10));
  });

  it('behind one that the job does not have are refused by the name of the argument, and the stream is complete', async () => {
    await using world = await start();
    world.log.grow(250);
    await using stream = await world.feed.follow(EVENTS, { since: 'ftevent-unknown' });
    await world.feed.turn(INTERVAL_MS);
    expect(await stream.result()).toMatchObject({
      errors: [
        {
          message: expect.stringMatching(/^since: expected/),
          path: ['fineTuningJobEventAdded'],
          extensions: { code: 'BAD_USER_INPUT', argument: 'since' },
        },
      ],
    });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await world.feed.turn(60_000)).toEqual([]);
  });

  it('cannot begin both behind an event and with the first: no call is made for that', async () => {
    await using world = await start();
    const [since] = world.log.grow(1);
    await using stream = await world.feed.follow(EVENTS, { since, fromStart: true });
    expect(await stream.result()).toMatchObject({
      errors: [{ message: expect.stringMatching(/^since: /), extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await world.feed.turn(60_000)).toEqual([]);
  });

  it('go on after finished_at until nothing more comes, and then the stream is complete', async () => {
    await using world = await start();
    const { feed, log } = world;
    await using stream = await feed.follow(EVENTS);
    await feed.turn(0);
    const finishedAt = feed.seconds();
    feed.upstream.onJob(jobBody({ id: JOB, status: 'succeeded', finished_at: finishedAt }));
    for (let late = 0; late < 50_000; late += 10_000) {
      await feed.turn(10_000);
      log.grow(3, () => ({ created_at: feed.seconds() }));
    }
    await feed.turn(60_000);
    expect(await takeAll(stream)).toEqual(log.ids);
    expect(log.ids).toHaveLength(15);
    expect(await feed.turn(600_000)).toEqual([]);
  });

  it('are complete at once after the one that closes the log', async () => {
    await using world = await start();
    const { feed, log } = world;
    await using stream = await feed.follow(EVENTS);
    await feed.turn(0);
    log.grow(120, (index) => (index === 119 ? { message: 'The job has successfully completed' } : {}));
    await feed.turn(INTERVAL_MS);
    expect(await takeAll(stream)).toEqual(log.ids);
  });

  it('go on from the last one that was read when the gateway was another one meanwhile', async () => {
    await using world = await start();
    const { feed, log } = world;
    const settings = { OPENAI_BASE_URL: feed.upstream.baseUrl };
    const first = await startGateway(settings, feed.clock);
    await using before = await openSse(first.url, { query: EVENTS });
    await feed.turn(0);
    log.grow(170);
    await feed.turn(INTERVAL_MS);
    const read = await take(before, 130);
    log.grow(260); // Nobody ever sees these come.
    await first[Symbol.asyncDispose]();
    log.grow(140);
    await using second = await startGateway(settings, feed.clock);
    await using after = await openSse(second.url, { query: EVENTS, variables: { since: read.at(-1) } });
    await feed.turn(0);
    log.grow(30);
    await feed.turn(INTERVAL_MS);
    await finish(feed);
    expect([...read, ...(await takeAll(after))]).toEqual(log.ids);
  });
});

describe('a reader of events who reads nothing for a minute', () => {
  it('misses none, and delays no other', async () => {
    await using world = await start();
    const { feed, log } = world;
    const query = `subscription { fineTuningJobEventAdded(jobId: "${JOB}") { event { id message again: message } } }`;
    const responses: ServerResponse[] = [];
    const onRequest = (message: unknown) => void responses.push((message as { response: ServerResponse }).response); // Node's documented form.
    listen('http.server.request.start', onRequest);
    await using wire = await openRawConnection(feed.gateway.url);
    const body = JSON.stringify({ query });
    wire.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/event-stream\r\n',
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await wire.receivedMatch(/:\n\n/);
    unsubscribe('http.server.request.start', onRequest);
    await using reader = await feed.follow(query);
    await feed.turn(0);
    wire.pause();
    const message = 'x'.repeat(40_000); // 24 MB in all: more than the system keeps for a connection.
    for (let seconds = 0; seconds < 60; seconds += 2) {
      const ids = log.grow(10, () => ({ message }));
      await feed.turn(INTERVAL_MS);
      expect(await take(reader, 10)).toEqual(ids);
    }
    expect(responses[0]?.writableNeedDrain).toBe(true);
    expect(responses[0]?.writableLength).toBeLessThan(4 * message.length);
    log.grow(1, () => ({ message: 'The job has successfully completed' }));
    await feed.turn(INTERVAL_MS);
    wire.resume();
    const said = await wire.closed;
    expect([...said.matchAll(/"id":"(.*?)"/g)].map(([, id]) => id)).toEqual(log.ids);
  });
});
