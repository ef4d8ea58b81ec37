import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { createFairSemaphore } from '../../../../src/store/cache/fair-semaphore.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A semaphore, with the names of those that have acquired a permit and their release functions. */
function start(permits: number) {
  const semaphore = createFairSemaphore(permits);
  const acquired: string[] = [];
  const releases: (() => void)[] = [];
  const acquire = async (name: string, owner: string, { signal } = new AbortController()) => {
    releases.push(await semaphore.acquire(owner, signal));
    acquired.push(name);
  };
  return { acquired, releases, acquire };
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
