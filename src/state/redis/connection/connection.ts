import { Redis } from 'ioredis';
import type { Clock } from '../../../clock.ts';
import { fleetChanged, fleetReconnected, fleetReset } from '../../../telemetry/fleet-events.ts';
import { FleetUnavailable } from '../../fleet-unavailable.ts';
import { HEARTBEAT, heartbeatReply, LEAVE } from './heartbeat.ts';
import { observed } from './observed-command.ts';
import { isAway, reportFailure } from './redis-errors.ts';
import { afterReads, ReplyTimeout } from './reply-timeout.ts';
import type { Script } from './script.ts';

/**
 * The connection of one replica to Redis.
 *
 * - Available: the last heartbeat, or a later command, was answered in time. Else no command is sent, and `run` rejects at
 *   once: an outage delays one command by COMMAND_TIMEOUT_MS, not each.
 * - A heartbeat every HEARTBEAT_MS registers the replica, and finds out whether Redis answers again.
 */
export interface RedisConnection {
  /** A random id of this process. */
  readonly replicaId: string;
  readonly isAvailable: boolean;
  /** Whether Redis has ever answered. */
  readonly hasBeenAvailable: boolean;
  /** Changes when Redis can have lost data; empty until the first heartbeat. */
  readonly epoch: string;
  /** Replicas at the last heartbeat, this one included; at least 1. */
  readonly replicas: number;
  /** Returns a key below the prefix. */
  key(...parts: readonly string[]): string;
  /** Runs a script. Rejects with FleetUnavailable when Redis does not answer in time, or with the error of the script. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Opens another connection, for reads that block. The caller disconnects it. */
  openReader(): Redis;
  /** Calls the listener when Redis becomes available or unavailable. Returns the function that stops it. */
  onChange(listener: (isAvailable: boolean) => void): () => void;
  /** Calls the listener when Redis can have lost data, before `onChange`. Returns the function that stops it. */
  onReset(listener: () => void): () => void;
  /** Uses another URL, for example with a new password, from the next connection on. */
  replaceUrl(url: string): void;
  dispose(): Promise<void>;
}

export interface RedisOptions {
  readonly url: string;
  readonly prefix: string;
  readonly clock: Clock;
}

export const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2000;
const HEARTBEAT_MS = 1000;
/** A replica without a heartbeat for so long does not count. */
export const MEMBER_TTL_MS = 10_000;
const MAX_RECONNECT_MS = 1000;
/** Heartbeats in a row without an answer after which a new connection is opened: the old one can be half open. */
const MAX_MISSED = 3;

export function openRedis({ url, prefix, clock }: RedisOptions): RedisConnection {
  const client = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    keepAlive: 10_000,
    retryStrategy: (attempts) => Math.min(MAX_RECONNECT_MS, 50 * attempts),
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false), // The server is a replica now.
  });
  client.on('error', () => {}); // Reported by `setAvailable`.
  reportReconnects(client, 'commands');
  const replicaId = crypto.randomUUID();
  const readers = new Set<Redis>();
  const changeListeners = new Set<(isAvailable: boolean) => void>();
  const resetListeners = new Set<() => void>();
  const key = (...parts: readonly string[]) => [prefix, ...parts].join(':');
  let [isAvailable, hasBeenAvailable, isDisposed] = [false, false, false];
  let [replicas, missed] = [1, 0];
  let settledAt = 0; // When all replicas that came back have registered.
  let [epoch, runId] = ['', ''];
  let cancelTimer = () => {};
  let beating = Promise.resolve();

  function setAvailable(next: boolean): void {
    if (isAvailable === next || isDisposed) return;
    isAvailable = next;
    hasBeenAvailable ||= next;
    if (next) settledAt = clock.now() + MEMBER_TTL_MS;
    else send(LEAVE, [key('attached')], [replicaId]).catch(() => {}); // Behind commands that arrive late.
    if (fleetChanged.hasSubscribers) fleetChanged.publish({ isAvailable, replicas });
    for (const listener of [...changeListeners]) listener(isAvailable);
  }

  /** Rejects when the reply takes longer than COMMAND_TIMEOUT_MS. */
  function inTime<T>(reply: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = afterReads(clock, COMMAND_TIMEOUT_MS, () => reject(new ReplyTimeout()));
      reply.then(resolve, reject).finally(cancel);
    });
  }

  const send = (script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
    observed(script.name, clock, () => evaluate(script, keys, args));

  async function evaluate(script: Script, keys: readonly string[], args: readonly (string | number)[]) {
    try {
      return await inTime(client.evalsha(script.sha, keys.length, ...keys, ...args));
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return await inTime(client.eval(script.lua, keys.length, ...keys, ...args));
    }
  }

  async function sendHeartbeat(): Promise<void> {
    try {
      if (runId === '') runId = /^run_id:(\w+)/m.exec(await inTime(client.info('server')))?.[1] ?? 'unknown';
      const keys = [key('members'), key('epoch'), key('attached')];
      const args = [replicaId, runId, MEMBER_TTL_MS, epoch, isAvailable ? 1 : 0];
      const [count, current] = heartbeatReply.parse(await send(HEARTBEAT, keys, args));
      // The others come back soon, too: until then, their shares are theirs.
      const isSettled = isAvailable && clock.now() >= settledAt;
      [replicas, missed] = [Math.max(1, count, isSettled ? 1 : replicas), 0];
      const isReset = epoch !== '' && epoch !== current;
      epoch = current;
      if (isReset) reportReset();
      setAvailable(true);
    } catch (error) {
      reportFailure('heartbeat', error);
      setAvailable(false);
      if (client.status !== 'ready' || ++missed < MAX_MISSED) return;
      missed = 0;
      client.disconnect(true);
    }
  }

  function reportReset(): void {
    if (fleetReset.hasSubscribers) fleetReset.publish({ replicas });
    for (const listener of [...resetListeners]) listener();
  }

  function beat(): Promise<void> {
    if (!isDisposed) beating = sendHeartbeat();
    return beating;
  }

  async function beatRepeatedly(): Promise<void> {
    await beat();
    if (!isDisposed) cancelTimer = clock.after(HEARTBEAT_MS, () => void beatRepeatedly());
  }

  client.on('ready', () => {
    runId = '';
    void beat();
  });
  client.on('close', () => setAvailable(false));
  void beatRepeatedly();

  return {
    replicaId,
    get isAvailable() {
      return isAvailable;
    },
    get hasBeenAvailable() {
      return hasBeenAvailable;
    },
    get epoch() {
      return epoch;
    },
    get replicas() {
      return replicas;
    },
    key,
    async run(script, keys, args) {
      if (!isAvailable) throw new FleetUnavailable();
      try {
        return await send(script, keys, args);
      } catch (error) {
        if (!isAway(error)) throw error;
        setAvailable(false);
        throw new FleetUnavailable();
      }
    },
    openReader() {
      const reader = client.duplicate({ enableOfflineQueue: true });
      reader.on('error', () => {}); // The reads reject.
      reportReconnects(reader, 'logs');
      readers.add(reader);
      reader.once('end', () => readers.delete(reader));
      return reader;
    },
    onChange(listener) {
      changeListeners.add(listener);
      return () => changeListeners.delete(listener);
    },
    onReset(listener) {
      resetListeners.add(listener);
      return () => resetListeners.delete(listener);
    },
    replaceUrl(next) {
      for (const { options } of [client, ...readers]) Object.assign(options, accountOf(next));
    },
    async dispose() {
      isDisposed = true;
      cancelTimer();
      await beating; // Else it could register the replica again.
      if (isAvailable) await send(LEAVE, [key('members'), key('attached')], [replicaId]).catch(() => {}); // It expires otherwise.
      for (const each of [client, ...readers]) each.disconnect();
    },
  };
}

function reportReconnects(client: Redis, connection: 'commands' | 'logs'): void {
  client.once('ready', () => {
    client.on('ready', () => {
      if (fleetReconnected.hasSubscribers) fleetReconnected.publish({ connection });
    });
  });
}

/** The user and password of a URL. */
function accountOf(url: string) {
  const { username, password } = new URL(url);
  return { username: decodeURIComponent(username) || undefined, password: decodeURIComponent(password) || undefined };
}

const isUnknownScript = (error: unknown) => error instanceof Error && error.message.startsWith('NOSCRIPT');
