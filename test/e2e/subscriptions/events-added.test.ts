import { subscribe as listen, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse, type SseStream } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { createGrowingLog } from '../../kit/store/growing-log.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const EVENTS = `subscription ($since: ID, $fromStart: Boolean) {
  fineTuningJobEventAdded(jobId: "${JOB}", since: $since, fromStart: $fromStart) { event { id } }
}`;

/** Members of the last event of a log. */
const FINAL = { message: 'The job has successfully completed' };
const UNKNOWN_SINCE = {
  errors: [
    {
      message: expect.stringMatching(/^since: is not the id of one of the newest 50000 events of this job; /),
      path: ['fineTuningJobEventAdded'],
      extensions: { code: 'BAD_USER_INPUT', argument: 'since' },
    },
  ],
};

async function start(status = 'running') {
  const feed = await startFeed();
  feed.upstream.onJob(jobBody({ id: JOB, status }));
  return { feed, log: createGrowingLog(feed.upstream, JOB), [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

const idOf = (result: unknown): string =>
  Object(result).data?.fineTuningJobEventAdded.event.id ?? JSON.stringify(result);

/** Reads this number of events. Returns their ids. */
async function take(stream: SseStream, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(idOf(await stream.result()));
  return ids;
}

/** Reads until the stream is complete. Returns the ids of the events. */
async function takeAll(stream: SseStream): Promise<string[]> {
  const ids: string[] = [];
  for (let result = await stream.result(); result !== undefined; result = await stream.result()) ids.push(idOf(result));
  return ids;
}

/** Ends the job, and advances the clock until its streams are complete. */
async function finish({ upstream, advanceBy, seconds }: Feed) {
  upstream.onJob(jobBody({ id: JOB, status: 'succeeded', finished_at: seconds() }));
  await advanceBy(180_000);
}

describe('the events of a job', () => {
  it('are sent in order, without gaps and duplicates, in bursts and with equal timestamps', async () => {
    await using world = await start();
    const { feed, log } = world;
    const before = log.grow(150);
    await using stream = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    for (const count of [500, 0, 1, 100, 99, 0, 101, 250]) {
      log.grow(count);
      await feed.advanceBy(INTERVAL_MS);
    }
    await finish(feed);
    expect(await takeAll(stream)).toEqual(log.ids.slice(before.length));
  });

  it('are read upstream once for all subscribers, early and late', async () => {
    await using world = await start();
    const { feed, log } = world;
    log.grow(120);
    const streams = [await feed.subscribe(EVENTS)];
    await feed.advanceBy(0);
    for (let n = 1; n <= 3; n++) {
      log.grow(230);
      streams.push(await feed.subscribe(EVENTS)); // During a burst that was not read yet.
      const calls = await feed.advanceBy(INTERVAL_MS);
      const pages = calls.filter(({ target }) => target.includes('/events'));
      expect(pages.map(({ target }) => target.includes('after='))).toEqual([false, true, true]);
    }
    await finish(feed);
    const starts = [120, 120, 350, 580];
    for (const [index, stream] of streams.entries()) {
      expect(await takeAll(stream), `reader ${index}`).toEqual(log.ids.slice(starts[index]));
    }
  });

  it('start after any given event, or with the first one', async () => {
    await using world = await start();
    const { feed, log } = world;
    const ids = log.grow(3000);
    const variables = [{ since: ids[1234] }, { since: ids[0] }, { since: ids[2999] }, { fromStart: true }];
    const streams = await Promise.all(variables.map((one) => feed.subscribe(EVENTS, one)));
    await feed.advanceBy(0);
    log.grow(130);
    await feed.advanceBy(INTERVAL_MS);
    await finish(feed);
    for (const [index, first] of [1235, 1, 3000, 0].entries()) {
      expect(await takeAll(streams[index] as SseStream), `reader ${index}`).toEqual(log.ids.slice(first));
    }
  });

  it('start after an event that is newer than the last poll', async () => {
    await using world = await start();
    const { feed, log } = world;
    log.grow(10);
    await using first = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    const [since] = log.grow(300);
    await using second = await feed.subscribe(EVENTS, { since });
    await feed.advanceBy(0);
    expect(await take(second, 299)).toEqual(log.ids.slice(11));
    expect(await take(first, 300)).toEqual(log.ids.slice(10));
  });

  it('fail with an error that names the argument when the job lacks the event to start after', async () => {
    await using world = await start();
    world.log.grow(250);
    await using stream = await world.feed.subscribe(EVENTS, { since: 'ftevent-unknown' });
    await world.feed.advanceBy(INTERVAL_MS);
    expect(await stream.result()).toMatchObject(UNKNOWN_SINCE);
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await world.feed.advanceBy(60_000)).toEqual([]);
  });

  it.each(['running', 'succeeded'])('fail in the same way over a WebSocket, when the job is %s', async (status) => {
    await using world = await start(status);
    world.log.grow(3, () => (status === 'running' ? {} : FINAL));
    using socket = await openSocket(world.feed.gateway.url);
    socket.send(subscribe('1', EVENTS, { variables: { since: 'ftevent-unknown' } }));
    await world.feed.advanceBy(INTERVAL_MS);
    expect(await socket.next()).toMatchObject({ id: '1', type: 'next', payload: UNKNOWN_SINCE });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
  });

  it('fail at once, for each reader, when an ended job lacks the event to start after', async () => {
    await using world = await start('succeeded');
    const { feed, log } = world;
    log.grow(150, (index) => (index === 149 ? FINAL : {}));
    const streams = await Promise.all(['a', 'b'].map((since) => feed.subscribe(EVENTS, { since })));
    await feed.advanceBy(0);
    for (const stream of streams) {
      expect(await stream.result()).toMatchObject(UNKNOWN_SINCE);
      expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    }
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });

  it('fail without an upstream call for both since and fromStart', async () => {
    await using world = await start();
    const [since] = world.log.grow(1);
    await using stream = await world.feed.subscribe(EVENTS, { since, fromStart: true });
    expect(await stream.result()).toMatchObject({
      errors: [{ message: expect.stringMatching(/^since: /), extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await world.feed.advanceBy(60_000)).toEqual([]);
  });

  it('are sent after finished_at too, until the job has settled; then the stream is complete', async () => {
    await using world = await start();
    const { feed, log } = world;
    await using stream = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    const finishedAt = feed.seconds();
    feed.upstream.onJob(jobBody({ id: JOB, status: 'succeeded', finished_at: finishedAt }));
    for (let late = 0; late < 50_000; late += 10_000) {
      await feed.advanceBy(10_000);
      log.grow(3, () => ({ created_at: feed.seconds() }));
    }
    await feed.advanceBy(60_000);
    expect(await takeAll(stream)).toEqual(log.ids);
    expect(log.ids).toHaveLength(15);
    expect(await feed.advanceBy(600_000)).toEqual([]);
  });

  it('are complete at once after the final event', async () => {
    await using world = await start();
    const { feed, log } = world;
    await using stream = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    log.grow(120, (index) => (index === 119 ? FINAL : {}));
    await feed.advanceBy(INTERVAL_MS);
    expect(await takeAll(stream)).toEqual(log.ids);
  });

  it('continue after the last event read when the gateway has restarted', async () => {
    await using world = await start();
    const { feed, log } = world;
    const settings = { OPENAI_BASE_URL: feed.upstream.baseUrl };
    const first = await startGateway(settings, feed.clock);
    await using before = await openSse(first.url, { query: EVENTS });
    await feed.advanceBy(0);
    log.grow(170);
    await feed.advanceBy(INTERVAL_MS);
    const read = await take(before, 130);
    log.grow(260); // No gateway polls while these are added.
    await first[Symbol.asyncDispose]();
    log.grow(140);
    await using second = await startGateway(settings, feed.clock);
    await using after = await openSse(second.url, { query: EVENTS, variables: { since: read.at(-1) } });
    await feed.advanceBy(0);
    log.grow(30);
    await feed.advanceBy(INTERVAL_MS);
    await finish(feed);
    expect([...read, ...(await takeAll(after))]).toEqual(log.ids);
  });
});

describe('a client that reads no events for a minute', () => {
  it('misses none of them, and does not delay another client', async () => {
    await using world = await start();
    const { feed, log } = world;
    const query = `subscription { fineTuningJobEventAdded(jobId: "${JOB}") { event { id message again: message } } }`;
    const responses: ServerResponse[] = [];
    const onRequest = (message: unknown) => void responses.push((message as { response: ServerResponse }).response); // Documented by Node.
    listen('http.server.request.start', onRequest);
    await using wire = await openRawConnection(feed.gateway.url);
    const body = JSON.stringify({ query });
    wire.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/event-stream\r\n',
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await wire.receivedMatch(/:\n\n/);
    unsubscribe('http.server.request.start', onRequest);
    await using reader = await feed.subscribe(query);
    await feed.advanceBy(0);
    wire.pause();
    const message = 'x'.repeat(40_000); // 24 MB in all: more than the socket buffers hold.
    for (let seconds = 0; seconds < 60; seconds += 2) {
      const ids = log.grow(10, () => ({ message }));
      await feed.advanceBy(INTERVAL_MS);
      expect(await take(reader, 10)).toEqual(ids);
    }
    expect(responses[0]?.socket?.writableNeedDrain).toBe(true);
    expect(responses[0]?.writableLength).toBeLessThan(4 * message.length);
    log.grow(1, () => FINAL);
    await feed.advanceBy(INTERVAL_MS);
    wire.resume();
    const received = await wire.closed;
    expect([...received.matchAll(/"id":"(.*?)"/g)].map(([, id]) => id)).toEqual(log.ids);
  });
});
