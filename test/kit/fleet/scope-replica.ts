import { systemClock } from '../../../src/clock.ts';
import { createMemoryWatch } from '../../../src/state/memory/watch.ts';
import { openRedis } from '../../../src/state/redis/connection/connection.ts';
import { createLogReader } from '../../../src/state/redis/connection/log-reader.ts';
import { createRedisWatch } from '../../../src/state/redis/watch/watch.ts';
import type { Accepted, OfferResult, Role, ScopeState, WatchState } from '../../../src/state/watch-state.ts';
import { until } from '../until.ts';

/** One replica's part in a scope, with everything that it was told. */
export interface ScopeReplica extends AsyncDisposable {
  readonly scope: ScopeState<string>;
  readonly accepted: readonly Accepted<string>[];
  /** Those of one job. */
  acceptedOf(jobId: string): readonly Accepted<string>[];
  readonly roles: Role[];
  readonly interest: ReadonlySet<string>;
  /** Other calls that it has had, such as `gap`. */
  readonly told: string[];
  /** Offers a status; null: there is no such job. `expected` is the known revision. */
  offer(jobId: string, status: string | null, expected: number | null, tokens?: number): Promise<OfferResult<string>>;
}

const ENDS = ['succeeded', 'failed'];
type Body = { readonly id: string; readonly status: string; readonly trained_tokens: number };
/** In memory, bodies are equal when they are one object. */
const bodies = new Map<string, Body>();

function bodyOf(id: string, status: string, tokens: number): Body {
  const key = `${id} ${status} ${tokens}`;
  const body = bodies.get(key) ?? { id, status, trained_tokens: tokens };
  bodies.set(key, body);
  return body;
}

export const isEnd = (status: string | null) => status !== null && ENDS.includes(status);

function join(watch: WatchState, name: string, dispose: () => Promise<void>): ScopeReplica {
  const [accepted, roles, told]: [Accepted<string>[], Role[], string[]] = [[], [], []];
  const byJob = new Map<string, Accepted<string>[]>();
  let interest: ReadonlySet<string> = new Set();
  const scope = watch.join<string>(name, {
    onAccepted(one) {
      accepted.push(one);
      byJob.set(one.jobId, [...(byJob.get(one.jobId) ?? []), one]);
    },
    onRole: (role) => void roles.push(role),
    onInterest(ids) {
      interest = ids;
    },
    onPollRequested: (id, cause) => void told.push(`poll ${id} ${cause}`),
    onEvents: ({ jobId, page, isClosed }) => void told.push(`events ${jobId} ${JSON.stringify(page)} ${isClosed}`),
    onFollowing() {},
    onFailed: (id) => void told.push(`failed ${id}`),
    onGap: () => void told.push('gap'),
    onReset: () => void told.push('reset'),
  });
  return {
    scope,
    accepted,
    acceptedOf: (jobId) => byJob.get(jobId) ?? [],
    roles,
    told,
    get interest() {
      return interest;
    },
    async offer(jobId, status, expected, tokens = 0) {
      const value = status === null ? null : { status, raw: bodyOf(jobId, status, tokens) };
      const facts = { jobId, expected, value, isTerminal: isEnd(status), cause: 'poll', observedAt: 1 };
      return await scope.offer({ ...facts, origin: `${jobId} ${status}` });
    },
    async [Symbol.asyncDispose]() {
      scope.leave();
      await dispose();
    },
  };
}

export const joinInMemory = (name: string): ScopeReplica => join(createMemoryWatch(), name, async () => {});

/** Joins with a connection of its own, as another process does. */
export async function joinThroughRedis(
  url: string,
  name: string,
  onDisposed: () => PromiseLike<void> = async () => {},
): Promise<ScopeReplica> {
  const redis = openRedis({ url, prefix: 'test', clock: systemClock });
  await until(() => redis.isAvailable);
  const reader = createLogReader(redis, systemClock);
  const watch = createRedisWatch(redis, reader, systemClock);
  return join(watch, name, async () => {
    reader.dispose();
    await redis.dispose();
    await onDisposed();
  });
}
