import { subscribe as listen, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { openSse, type SseStream } from '../client/sse.ts';
import { openSocket, subscribe, type TestSocket } from '../client/ws.ts';
import { until } from '../until.ts';
import { startWorld, type World } from './world.ts';

/** An upstream call, and when it came. */
export interface TimedCall {
  readonly target: string;
  /** Milliseconds by the clock since the turn that has brought it began. */
  readonly at: number;
}

/** A world for subscriptions: its clock goes on only when all that has begun is over, so that its calls can be counted. */
export interface Feed extends World {
  /** Resolves when no upstream call is under way, and what has come of them is done. */
  settled(): Promise<void>;
  /** Turns the clock on by `ms`, from timer to timer, and gives the upstream calls that this brings. */
  turn(ms: number): Promise<TimedCall[]>;
  /** How many upstream calls were tried so far: also those that were refused. */
  readonly tries: number;
  /** Subscribes over server-sent events. Nothing is looked at before the next turn. */
  follow(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<SseStream>;
  /** Subscribes to each of these, 100 on one WebSocket. */
  followAll(queries: readonly string[]): Promise<Crowd>;
  /** Resolves when so many streams of server-sent events have ended. */
  ended(count: number): Promise<void>;
}

/** Many subscribers. Each result is read once. */
export interface Crowd extends Disposable {
  /** The next result of each, in no order. Fails when something else comes. */
  results(): Promise<unknown[]>;
}

const UNLIMITED = { RATE_LIMIT_PER_MINUTE: '0', MAX_SUBSCRIPTIONS_PER_CALLER: '2000' };
const SUBSCRIBERS_PER_SOCKET = 100;
/** So many turns of the event loop are more than what an answer brings about takes. */
const TURNS = 20;

export async function startFeed(settings: Record<string, string> = {}): Promise<Feed> {
  const world = await startWorld({ ...UNLIMITED, ...settings });
  const { clock, upstream, gateway } = world;
  const underWay = watchCallsTo(new URL(upstream.baseUrl).origin);

  async function settled() {
    for (let turns = 0; turns < TURNS; turns = underWay.size > 0 ? 0 : turns + 1) await setImmediate();
  }

  return {
    ...world,
    settled,
    get tries() {
      return underWay.begun;
    },
    async turn(ms) {
      await settled();
      const [beganAt, seen] = [clock.now(), upstream.calls.length];
      const times: number[] = [];
      const note = () => {
        while (seen + times.length < upstream.calls.length) times.push(clock.now() - beganAt);
      };
      for (let left = ms; clock.untilNext <= left; left = ms - (clock.now() - beganAt)) {
        clock.advance(clock.untilNext);
        await settled();
        note();
      }
      clock.advance(ms - (clock.now() - beganAt));
      return times.map((at, index) => ({ target: upstream.calls[seen + index]?.target ?? '', at }));
    },
    async follow(query, variables = {}, headers = {}) {
      const stream = await openSse(gateway.url, { query, variables }, headers);
      await settled();
      return stream;
    },
    async followAll(queries) {
      const sockets: TestSocket[] = [];
      for (let from = 0; from < queries.length; from += SUBSCRIBERS_PER_SOCKET) {
        const socket = await openSocket(gateway.url);
        sockets.push(socket);
        const some = queries.slice(from, from + SUBSCRIBERS_PER_SOCKET);
        socket.send(...some.map((query, index) => subscribe(String(index), query)), { type: 'ping' });
        await socket.next(); // The pong, after all of them.
      }
      await settled();
      return crowdOf(sockets, queries.length);
    },
    async ended(count) {
      await until(() => gateway.log.filter(({ transport }) => transport === 'sse').length >= count);
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      underWay[Symbol.dispose]();
    },
  };
}

function crowdOf(sockets: readonly TestSocket[], size: number): Crowd {
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

/** The calls of this process to a server, from before they are sent until their answers were read. */
function watchCallsTo(origin: string) {
  const calls = new Set<object>();
  let begun = 0;
  const requestOf = (message: unknown) => (message as { request: { origin: string } }).request; // undici's documented form.
  const begin = (message: unknown) => {
    const request = requestOf(message);
    if (String(request.origin) !== origin) return;
    calls.add(request);
    begun++;
  };
  const end = (message: unknown) => void calls.delete(requestOf(message));
  const channels = [
    ['undici:request:create', begin],
    ['undici:request:trailers', end],
    ['undici:request:error', end],
  ] as const;
  for (const [name, listener] of channels) listen(name, listener);
  return {
    get size() {
      return calls.size;
    },
    get begun() {
      return begun;
    },
    [Symbol.dispose]() {
      for (const [name, listener] of channels) unsubscribe(name, listener);
    },
  };
}
