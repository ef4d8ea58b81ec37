import type { Clock } from '../../../clock.ts';
import { fleetFollowed, fleetGap, fleetLease, fleetOffer } from '../../../telemetry/fleet-events.ts';
import { createMemoryScope } from '../../memory/watch.ts';
import { topicsOf } from '../../topic.ts';
import type { Role, ScopeListener, ScopeState } from '../../watch-state.ts';
import type { RedisConnection } from '../connection/connection.ts';
import type { LogEntry, LogReader } from '../connection/log-reader.ts';
import { reportFailure } from '../connection/redis-errors.ts';
import { addEvents, eventsOf } from './scope-events.ts';
import { createOffers } from './scope-offers.ts';
import { type Part, takePart } from './scope-part.ts';
import { MAX_ENTRIES, scopeKeys, TTL_MS } from './watch-keys.ts';
import { LEAVE_SCOPE, TELL } from './watch-scripts.ts';

export interface RedisScopeOptions<O> {
  readonly redis: RedisConnection;
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly scope: string;
  readonly listener: ScopeListener<O>;
}

/** How long the polls stay with a replica that does not renew its lease. */
const LEASE_MS = 10_000;
const RENEW_MS = 3000;

/**
 * One scope of a replica. While Redis is away, the replica is alone: its own observations are the order, as in one process.
 * It follows the log again from where that ends when Redis is back; `onRole` says so.
 */
export function createRedisScope<O>({ redis, reader, clock, scope, listener }: RedisScopeOptions<O>): ScopeState<O> {
  const keys = scopeKeys(redis, scope);
  const offers = createOffers<O>(redis, keys, listener);
  const interest = new Set<string>();
  const changes = new Map<string, boolean>(); // Of the interest, not sent yet.
  let lonely = createMemoryScope(listener);
  let role: Role = redis.isAvailable ? 'follows' : 'alone';
  let [version, leaseUntil] = ['', Number.NEGATIVE_INFINITY];
  let [followed, expected, expectedAt] = [0, 0, 0]; // Numbers of accepted observations.
  let stopFollowing: (() => void) | null = null;
  let following = Promise.withResolvers<void>();
  let cancelTimer = () => {};
  let [isScheduled, isTaking, isRequested, isLeft] = [false, false, false, false];

  const currentRole = (): Role => (role === 'polls' && clock.now() >= leaseUntil ? 'follows' : role);

  function setRole(next: Role): void {
    if (next === role) return;
    const previous = role;
    role = next;
    if (fleetLease.hasSubscribers && (previous === 'polls' || next === 'polls')) {
      fleetLease.publish({ change: next === 'polls' ? 'taken' : 'lost' });
    }
    if (previous === 'polls') {
      version = '';
      listener.onInterest(new Set());
    }
    if (previous === 'alone') lonely = createMemoryScope(listener);
    if (next === 'alone') {
      unfollow();
    }
    listener.onRole(next);
  }

  /** Renews or takes the lease and sends the interest. One at a time; a request meanwhile is followed by another. */
  async function renew(): Promise<void> {
    if (isLeft || isTaking) {
      isRequested = true;
      return;
    }
    isTaking = true;
    isRequested = false;
    cancelTimer();
    const sent = new Map(changes);
    changes.clear();
    const sentAt = clock.now();
    try {
      const part = await takePart(redis, keys, { leaseMs: LEASE_MS, ttlMs: TTL_MS, version, changes: sent });
      if (!isLeft) update(part, sentAt);
    } catch (error) {
      reportFailure('watch', error);
      for (const [id, isWatched] of sent) if (!changes.has(id)) changes.set(id, isWatched);
      if (!isLeft) setRole('alone');
    } finally {
      isTaking = false;
      if (!isLeft) cancelTimer = clock.after(isRequested ? 0 : RENEW_MS, () => void renew());
    }
  }

  function renewSoon(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      void renew();
    });
  }

  function update(part: Part, sentAt: number): void {
    if (!redis.isAvailable) return; // It has become unavailable since.
    if (part.size !== interest.size && changes.size === 0) {
      for (const id of interest) changes.set(id, true); // Redis has lost it.
      isRequested = true;
    }
    if (stopFollowing === null) follow(part);
    else if (isGap(part)) reportGap(part);
    if (part.isHolder) leaseUntil = sentAt + LEASE_MS;
    if (part.isTakeover && fleetLease.hasSubscribers) fleetLease.publish({ change: 'takeover' });
    setRole(part.isHolder ? 'polls' : 'follows');
    if (part.interest) {
      version = part.version;
      listener.onInterest(part.interest);
    }
  }

  /** Whether Redis has lost observations, or those of RENEW_MS ago have not come. Later ones can be on their way. */
  function isGap({ counted }: Part): boolean {
    if (counted < expected) return true;
    const now = clock.now();
    if (now - expectedAt < RENEW_MS) return false;
    const isStalled = followed < expected;
    [expected, expectedAt] = [counted, now];
    return isStalled;
  }

  function follow({ last, counted }: Part): void {
    stopFollowing?.();
    [followed, expected, expectedAt] = [counted, counted, clock.now()];
    stopFollowing = reader.follow(keys.log, last, { kind: 'watch', onEntry, onGap: tellGap });
    following.resolve();
    listener.onFollowing();
  }

  function unfollow(): void {
    if (stopFollowing === null) return;
    stopFollowing();
    stopFollowing = null;
    following = Promise.withResolvers();
    offers.clear();
  }

  function reportGap(part: Part): void {
    follow(part);
    tellGap();
  }

  function tellGap(): void {
    if (fleetGap.hasSubscribers) fleetGap.publish({ kind: 'watch' });
    listener.onGap();
  }

  function onEntry(entry: LogEntry): void {
    const [kind, id, isOwn] = [entry.get('kind'), entry.get('id') ?? '', entry.get('replica') === redis.replicaId];
    if (kind === 'job') inOrder(entry, () => onJob(entry, isOwn));
    else if (kind === 'events') inOrder(entry, () => isOwn || listener.onEvents(eventsOf(entry)));
    else if (kind === 'lease' || (kind === 'interest' && role === 'polls')) void renew();
    else if (kind === 'poll' && currentRole() === 'polls') listener.onPollRequested(id, causeOf(entry));
    else if (kind === 'failed' && !isOwn) topicsOf([entry.get('topic') ?? '']).forEach(listener.onFailed);
  }

  /** Handles an entry that must not be missed. Reports a gap after it. */
  function inOrder(entry: LogEntry, handle: () => void): void {
    const count = Number(entry.get('count'));
    if (!Number.isInteger(count)) throw new TypeError('A counted entry has no number.');
    const isGap = count !== followed + 1;
    followed = count;
    handle();
    if (isGap) tellGap();
  }

  function onJob(entry: LogEntry, isOwn: boolean): void {
    const accepted = offers.acceptedOf(entry);
    if (!isOwn && fleetFollowed.hasSubscribers) {
      fleetFollowed.publish({ seconds: Math.max(0, clock.now() - accepted.observedAt) / 1000 });
    }
    listener.onAccepted(accepted);
  }

  function tell(...fields: readonly string[]): void {
    redis.run(TELL, [keys.log], [TTL_MS, MAX_ENTRIES, ...fields]).catch(() => {}); // The next poll makes up for it.
  }

  const stops = [
    redis.onChange((isAvailable) => (isAvailable ? void renew() : setRole('alone'))),
    redis.onReset(() => {
      version = '';
      unfollow();
      listener.onReset();
      void renew();
    }),
  ];
  renewSoon(); // The caller has this scope by then.

  return {
    get role() {
      return currentRole();
    },
    get intervalFactor() {
      return role === 'alone' ? redis.replicas : 1;
    },
    offer(offer) {
      if (role === 'alone') return lonely.offer(offer);
      const { jobId, expected, value } = offer;
      if (expected !== null && value !== null && offers.isAccepted(jobId, expected, value.raw)) {
        return { kind: 'unchanged', revision: expected };
      }
      return reported(offers.send(offer));
    },
    restore: (jobId, revision, value, isTerminal) => offers.restore(jobId, revision, value, isTerminal),
    setInterest(topic, isFollowed) {
      if (interest.has(topic) === isFollowed) return;
      if (isFollowed) interest.add(topic);
      else interest.delete(topic);
      changes.set(topic, isFollowed);
      renewSoon();
    },
    async compare(jobs) {
      await following.promise; // What is accepted after the comparison comes by the log.
      return await offers.compare(jobs);
    },
    requestPoll: (jobId, cause) => tell('kind', 'poll', 'id', jobId, 'cause', cause),
    publishEvents: (events) => addEvents(redis, keys, events),
    reportFailure: (topic) => tell('kind', 'failed', 'topic', topic, 'replica', redis.replicaId),
    forget(jobId) {
      offers.forget(jobId);
      lonely.forget(jobId);
    },
    leave() {
      isLeft = true;
      cancelTimer();
      for (const stop of stops) stop();
      stopFollowing?.();
      if (role === 'polls' && fleetLease.hasSubscribers) fleetLease.publish({ change: 'lost' });
      redis.run(LEAVE_SCOPE, keys.part, [redis.replicaId]).catch(() => {}); // It expires otherwise.
    },
  };
}

async function reported<T extends { readonly kind: string }>(result: Promise<T>): Promise<T> {
  const { kind } = await result;
  if (kind === 'refused' && fleetOffer.hasSubscribers) fleetOffer.publish({ outcome: 'refused' });
  return result;
}

const causeOf = (entry: LogEntry) => (entry.get('cause') === 'webhook' ? 'webhook' : 'poll');
