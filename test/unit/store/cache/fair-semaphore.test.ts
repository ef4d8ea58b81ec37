import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { createFairSemaphore } from '../../../../src/store/cache/fair-semaphore.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Places whose takers are noted when they have one. */
function start(most: number) {
  const semaphore = createFairSemaphore(most);
  const taken: string[] = [];
  const free: (() => void)[] = [];
  const take = async (name: string, owner: string, { signal } = new AbortController()) => {
    free.push(await semaphore.acquire(owner, signal));
    taken.push(name);
  };
  return { taken, free, take };
}

it('has so many places, and owners take turns in those that become free', async () => {
  const { taken, free, take } = start(2);
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) void take(name, name.slice(0, 1));
  await settle();
  expect(taken).toEqual(['a1', 'a2']);
  for (let index = 0; index < 5; index++) {
    free[index]?.();
    await settle();
  }
  expect(taken.slice(2)).toEqual(['a3', 'b1', 'c1', 'a4', 'b2']);
});

it('keeps nothing of one that leaves while it waits, and no listener of one that has a place', async () => {
  const { taken, free, take } = start(1);
  const [first, leaver] = [new AbortController(), new AbortController()];
  void take('first', 'a', first);
  const left = take('left', 'a', leaver);
  void take('last', 'b');
  await settle();
  leaver.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  expect(getEventListeners(first.signal, 'abort')).toHaveLength(0);
  free[0]?.();
  await settle();
  expect(taken).toEqual(['first', 'last']);
});
