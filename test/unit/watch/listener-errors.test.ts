import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createStore } from '../../../src/store/store.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock } from '../../kit/clock.ts';
import { accessOf, newReadContext, SUBSCRIBER } from '../../kit/store/access.ts';
import { createLinearUpstream } from '../../kit/store/linear-upstream.ts';

/** More polls than the subscribers need for their first change. */
const ROUNDS = 5;

const fault = new Error('a fault of this listener');

it('a listener that throws ends with its error, which is reported; the read and the other listeners continue', async () => {
  const clock = createTestClock();
  const linear = createLinearUpstream(clock);
  const store = createStore({
    upstream: linear.upstream,
    clock,
    memoryCache: createMemoryCache(100_000),
    activeMs: 0,
    settledMs: 0,
  });
  const errors: unknown[] = [];
  const onListenerError = (error: unknown) => void errors.push(error);
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 2000, onListenerError });
  const access = accessOf({ apiKey: 'test' });
  linear.put('ftjob-1', 'queued');
  const subscribe = (matches: () => boolean) => watcher.feeds(access, SUBSCRIBER).jobs(matches)[Symbol.asyncIterator]();
  let isFaulty = false;
  const faulty = subscribe(() => {
    if (isFaulty) throw fault;
    return true;
  });
  const sound = subscribe(() => true);
  const first = [faulty.next(), sound.next()];
  for (let round = 0; round < ROUNDS; round++) {
    clock.advance(2000);
    await setImmediate();
    for (const call of [...linear.pending]) call.respond();
  }
  await Promise.all(first);

  isFaulty = true;
  linear.put('ftjob-1', 'running');
  const reading = store.jobs.get(access, 'ftjob-1', newReadContext());
  for (const call of [...linear.pending]) call.respond();
  expect((await reading)?.status).toBe('running');
  expect(errors).toEqual([fault]);
  await expect(faulty.next()).rejects.toBe(fault);
  expect((await sound.next()).value.job.status).toBe('running');
  watcher.dispose();
});
