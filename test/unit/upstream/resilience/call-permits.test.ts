import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { CallClaims, type Priority } from '../../../../src/upstream/resilience/call-claims.ts';
import { createCallPermits } from '../../../../src/upstream/resilience/call-permits.ts';
import { callerTurn, turnsOf } from '../../../../src/upstream/resilience/turn-queue.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

const claimant = (owner: string, priority: Exclude<Priority, 'unverified'> = 'query') => ({
  priority,
  callers: [{ key: owner, address: '' }],
});

/** Permits, with the names of those that have acquired one and their release functions. */
function start(count: number, maxWaiting?: number) {
  const permits = createCallPermits(count, maxWaiting);
  const acquired: string[] = [];
  const releases: (() => void)[] = [];
  const acquire = async (name: string, claims: CallClaims, { signal } = new AbortController()) => {
    const release = permits.acquire(turnsOf(claims, callerTurn), signal);
    releases.push(typeof release === 'function' ? release : await release);
    acquired.push(name);
  };
  return {
    acquired,
    releases,
    acquire: (name: string, owner: string, controller?: AbortController, priority?: 'poll' | 'event') =>
      acquire(name, new CallClaims(claimant(owner, priority)), controller),
    acquireShared: acquire,
  };
}

it('grants at most its number of permits, and released permits to owners in turn', async () => {
  const { acquired, releases, acquire } = start(2);
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) void acquire(name, name.slice(0, 1));
  await settle();
  expect(acquired).toEqual(['a1', 'a2']);
  for (let index = 0; index < 5; index++) {
    releases[index]?.();
    await settle();
  }
  expect(acquired.slice(2)).toEqual(['a3', 'b1', 'c1', 'a4', 'b2']);
});

it('leaves a quarter of the permits to other owners, and then a share of the rest', async () => {
  const { acquired, acquire } = start(64);
  const held = (owner: string) => acquired.filter((name) => name === owner).length;
  for (const owner of ['a', 'b', 'c']) for (let count = 0; count < 100; count++) void acquire(owner, owner);
  await settle();
  expect([held('a'), held('b'), held('c')]).toEqual([48, 12, 3]);
});

it('lets polls and events hold half of the permits together', async () => {
  const { acquired, acquire } = start(8);
  for (const owner of ['a', 'b', 'c', 'd', 'e', 'f']) {
    void acquire(owner, owner, undefined, acquired.length % 2 === 0 ? 'poll' : 'event');
  }
  await settle();
  expect(acquired).toEqual(['a', 'b', 'c', 'd']);
  void acquire('query', 'a');
  await settle();
  expect(acquired.at(-1)).toBe('query');
});

it('grants a shared call the turn of a caller that joins it later', async () => {
  const { acquired, releases, acquire, acquireShared } = start(1);
  const shared = new CallClaims(claimant('a'));
  for (const name of ['a1', 'a2', 'a3']) void acquire(name, 'a');
  void acquireShared('shared', shared);
  await settle();
  shared.add(claimant('b'));
  releases[0]?.();
  await settle();
  releases[1]?.();
  await settle();
  expect(acquired).toEqual(['a1', 'a2', 'shared']);
});

it('refuses a call of an owner with too many waiting ones, and none of another', async () => {
  const { acquire } = start(1, 2);
  for (let count = 0; count < 3; count++) void acquire('a', 'a');
  await expect(acquire('a', 'a')).rejects.toMatchObject({ code: 'UPSTREAM_RATE_LIMITED' });
  const waiting = acquire('b', 'b');
  expect(await Promise.race([waiting, settle().then(() => 'waits')])).toBe('waits');
});

it('removes a waiter that is aborted, and the abort listener of one that has its permit', async () => {
  const { acquired, releases, acquire } = start(1);
  const [first, aborted] = [new AbortController(), new AbortController()];
  void acquire('first', 'a', first);
  const rejected = acquire('aborted', 'a', aborted);
  void acquire('last', 'b');
  await settle();
  aborted.abort(new Error('aborted'));
  await expect(rejected).rejects.toThrow('aborted');
  expect(getEventListeners(first.signal, 'abort')).toHaveLength(0);
  releases[0]?.();
  await settle();
  expect(acquired).toEqual(['first', 'last']);
});

it('grants no permit at once that a waiting call takes, and none above the share of an owner', async () => {
  const permits = createCallPermits(2);
  const [turn, other] = [{ priority: 'query', owner: 'a' } as const, { priority: 'query', owner: 'b' } as const];
  const release = permits.tryAcquire(turn);
  permits.tryAcquire(turn);
  expect(permits.tryAcquire(other)).toBeNull();
  const waiting = permits.acquire(turnsOf(new CallClaims(claimant('a')), callerTurn), new AbortController().signal);
  const next = permits.acquire(turnsOf(new CallClaims(claimant('a')), callerTurn), new AbortController().signal);
  release?.();
  expect(permits.tryAcquire(other)).toBeNull();
  expect(await waiting).toBeTypeOf('function');
  expect(await Promise.race([next, settle().then(() => 'waits')])).toBe('waits');
});
