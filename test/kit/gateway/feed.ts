import { subscribe as listen, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { openSse, type SseStream } from '../client/sse.ts';
import { openSocket, subscribe, type TestSocket } from '../client/ws.ts';
import { until } from '../until.ts';
import { startWorld, type World } from './world.ts';

/** An upstream call with its time. */
export interface TimedCall {
  readonly target: string;
  /** Milliseconds by the clock since the start of `turn`. */
  readonly at: number;
}

/** A world for subscriptions. Its clock advances only when no upstream call is in progress, so that calls can be counted. */
export interface Feed extends World {
  /** Resolves when no upstream call is in progress, and all results are processed. */
  settled(): Promise<void>;
  /** Advances the clock by `ms`, from timer to timer. Resolves to the upstream calls of this time. */
  advanceBy(ms: number): Promise<TimedCall[]>;
  /** Number of upstream calls so far, including refused connections. */
  readonly attempts: number;
  /** Subscribes over server-sent events. Nothing is polled before the next `turn`. */
  subscribe(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<SseStream>;
  /** Subscribes to each of these, 100 per WebSocket. */
  subscribeAll(queries: readonly string[]): Promise<Subscribers>;
  /** Resolves when this many streams of server-sent events have ended. */
  streamsEnded(count: number): Promise<void>;
}

/** Many subscribers. Each result is read once. */
export interface Subscribers extends Disposable {
  /** The next result of each, in any order. Rejects on any other message. */
  results(): Promise<unknown[]>;
}

const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0', MAX_SUBSCRIPTIONS_PER_CALLER: '2000' };
const SUBSCRIBERS_PER_SOCKET = 100;
/** More turns of the event loop than the processing of a response takes. */
const TURNS = 20;

export async function startFeed(settings: Record<string, string> = {}): Promise<Feed> {
  const world = await startWorld({ ...UNLIMITED, ...settings });
  const { clock, upstream, gateway } = world;
  const inProgress = watchCallsTo(new URL(upstream.baseUrl).origin);

  async function settled() {
    for (let turns = 0; turns < TURNS; turns = inProgress.size > 0 ? 0 : turns + 1) await setImmediate();
  }

  return {
    ...world,
    settled,
    get attempts() {
      return inProgress.attempts;
    },
    async advanceBy(ms) {
      await settled();
      const [startedAt, before] = [clock.now(), upstream.calls.length];
      const times: number[] = [];
      const recordTimes = () => {
        while (before + times.length < upstream.calls.length) times.push(clock.now() - startedAt);
      };
      for (let remaining = ms; clock.untilNext <= remaining; remaining = ms - (clock.now() - startedAt)) {
        clock.advance(clock.untilNext);
        await settled();
        recordTimes();
      }
      clock.advance(ms - (clock.now() - startedAt));
      return times.map((at, index) => ({ target: upstream.calls[before + index]?.target ?? '', at }));
    },
    async subscribe(query, variables = {}, headers = {}) {
      const stream = await openSse(gateway.url, { query, variables }, headers);
      await settled();
      return stream;
    },
    async subscribeAll(queries) {
      const sockets: TestSocket[] = [];
      for (let start = 0; start < queries.length; start += SUBSCRIBERS_PER_SOCKET) {
        const socket = await openSocket(gateway.url);
        sockets.push(socket);
        const batch = queries.slice(start, start + SUBSCRIBERS_PER_SOCKET);
        socket.send(...batch.map((query, index) => subscribe(String(index), query)), { type: 'ping' });
        await socket.next(); // The pong, after all subscriptions.
      }
      await settled();
      return crowdOf(sockets, queries.length);
    },
    async streamsEnded(count) {
      await until(() => gateway.log.filter(({ transport }) => transport === 'sse').length >= count);
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      inProgress[Symbol.dispose]();
    },
  };
}

function crowdOf(sockets: readonly TestSocket[], size: number): Subscribers {
  const sizeOf = (index: number) => Math.min(SUBSCRIBERS_PER_SOCKET, size - index * SUBSCRIBERS_PER_SOCKET);
  return {
    async results() {
      const all = sockets.map(async ({ next }, index) => {
        const results = [];
        for (let n = 0; n < sizeOf(index); n++) {
          const message = await next();
          if (message['type'] !== 'next') throw new Error(`expected a result, got ${JSON.stringify(message)}`);
          results.push(message['payload']);
        }
        return results;
      });
      return (await Promise.all(all)).flat();
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket[Symbol.dispose]();
    },
  };
}

/** The calls of this process to a server, from before they are sent until their responses are read. */
function watchCallsTo(origin: string) {
  const calls = new Set<object>();
  let attempts = 0;
  const requestOf = (message: unknown) => (message as { request: { origin: string } }).request; // undici's documented form.
  const start = (message: unknown) => {
    const request = requestOf(message);
    if (String(request.origin) !== origin) return;
    calls.add(request);
    attempts++;
  };
  const end = (message: unknown) => void calls.delete(requestOf(message));
  const channels = [
    ['undici:request:create', start],
    ['undici:request:trailers', end],
    ['undici:request:error', end],
  ] as const;
  for (const [name, listener] of channels) listen(name, listener);
  return {
    get size() {
      return calls.size;
    },
    get attempts() {
      return attempts;
    },
    [Symbol.dispose]() {
      for (const [name, listener] of channels) unsubscribe(name, listener);
    },
  };
}
