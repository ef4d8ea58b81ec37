import { nextTick } from 'node:process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createStore } from '../../../src/store/store.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import type { JobChange } from '../../../src/watch/poll/change.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock } from '../../kit/clock.ts';
import { rethrow } from '../../kit/rethrow.ts';
import { accessOf, newReadContext, SUBSCRIBER } from '../../kit/store/access.ts';
import { createLinearUpstream } from '../../kit/store/linear-upstream.ts';

const RUNS = 10_000;
/** Timeout of each upstream call. */
const TIMEOUT_MS = 30_000;
const JOBS = ['ftjob-a', 'ftjob-b'];
const NEXT: Readonly<Record<string, readonly string[]>> = {
  validating_files: ['queued', 'failed'],
  queued: ['running', 'cancelled'],
  running: ['pausing', 'succeeded', 'cancelled', 'unknown_status'],
  unknown_status: ['running'],
  pausing: ['paused'],
  paused: ['resuming', 'cancelled'],
  resuming: ['running'],
};
const access = accessOf({ apiKey: 'model' });

/** Resolves when no promise has callbacks left to run. Nothing here waits for more, and a turn of the event loop takes longer. */
const drained = () => new Promise<void>((resolve) => nextTick(resolve));

type Step =
  | { kind: 'changeStatus' | 'query' | 'hint' | 'subscribe'; job: number; pick: number }
  | { kind: 'sample' | 'respond' | 'fail' | 'read' | 'unsubscribe'; pick: number }
  | { kind: 'create' | 'list' | 'subscribeAll' }
  | { kind: 'advance'; ms: number };

const small = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('changeStatus' as const), job: fc.nat(2), pick: small }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('query', 'hint', 'subscribe'), job: fc.nat(2), pick: small }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('sample', 'respond'), pick: small }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('fail', 'read', 'unsubscribe'), pick: small }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('create', 'list', 'subscribeAll') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(0, 1, 250, 2000, 9000) }),
  },
) as fc.Arbitrary<Step>; // fast-check widens the kinds to string.

/** At least one subscriber from the start, then any steps. */
const schedule = fc
  .tuple(
    fc.subarray<Step>(
      [{ kind: 'subscribe', job: 0, pick: 0 }, { kind: 'subscribe', job: 1, pick: 0 }, { kind: 'subscribeAll' }],
      {
        minLength: 1,
      },
    ),
    fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
  )
  .map(([subscriptions, steps]) => [...subscriptions, ...steps]);

/** A subscriber and the changes that it has received of each job. */
interface Subscriber {
  readonly changes: AsyncIterator<JobChange>;
  /** Undefined for a subscriber to all jobs. */
  readonly job: string | undefined;
  readonly received: Map<string, JobChange[]>;
  isReading: boolean;
  isDone: boolean;
  hasUnsubscribed: boolean;
}

function createWorld(limits: { activeMs: number; settledMs: number }) {
  const clock = createTestClock();
  const linear = createLinearUpstream(clock);
  const store = createStore({ upstream: linear.upstream, clock, memoryCache: createMemoryCache(100_000), ...limits });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 2000, onListenerError: rethrow });
  const subscribers: Subscriber[] = [];
  for (const id of JOBS) linear.put(id, 'validating_files');

  function subscribe(job?: string) {
    const feeds = watcher.feeds(access, SUBSCRIBER);
    const changes = (job === undefined ? feeds.jobs(() => true) : feeds.job(job))[Symbol.asyncIterator]();
    subscribers.push({ changes, job, received: new Map(), isReading: false, isDone: false, hasUnsubscribed: false });
  }

  /** Reads one change once there is one. */
  function read(subscriber: Subscriber | undefined) {
    if (!subscriber || subscriber.isReading || subscriber.isDone) return;
    subscriber.isReading = true;
    void subscriber.changes.next().then(({ done, value }) => {
      subscriber.isReading = false;
      subscriber.isDone = done === true;
      if (done) return;
      const received = subscriber.received.get(value.job.id) ?? [];
      subscriber.received.set(value.job.id, received);
      received.push(value);
    });
  }

  function changeStatus(id: string, pick: number) {
    const status = linear.histories.get(id)?.at(-1) ?? '';
    const next = NEXT[status];
    if (next) linear.put(id, next[pick % next.length] ?? '');
  }

  const ids = () => [...linear.histories.keys()];
  function run(step: Step) {
    const pickFrom = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];
    switch (step.kind) {
      case 'changeStatus':
        return changeStatus(pickFrom(ids(), step.job) ?? '', step.pick);
      case 'create':
        return linear.put(`ftjob-${ids().length}`, 'validating_files');
      case 'advance':
        clock.advance(step.ms);
        for (const call of linear.pending.filter(({ startedAt }) => startedAt <= clock.now() - TIMEOUT_MS)) {
          call.fail(new UpstreamError('UPSTREAM_TIMEOUT', 'slow'));
        }
        return;
      case 'sample':
        return pickFrom(linear.pending, step.pick)?.sample();
      case 'respond':
        return pickFrom(linear.pending, step.pick)?.respond();
      case 'fail':
        return pickFrom(linear.pending, step.pick)?.fail(new UpstreamError('UPSTREAM_UNAVAILABLE', 'down'));
      case 'query':
        return void store.jobs.get(access, pickFrom(ids(), step.job) ?? '', newReadContext()).catch(() => {});
      case 'list':
        return void store.jobs.list(access, { limit: 20, after: null }, newReadContext()).catch(() => {});
      case 'hint':
        return watcher.hint(pickFrom(ids(), step.job) ?? '');
      case 'subscribe':
        return subscribe(pickFrom(ids(), step.job));
      case 'subscribeAll':
        return subscribe();
      case 'read':
        return read(pickFrom(subscribers, step.pick));
      case 'unsubscribe': {
        const subscriber = pickFrom(subscribers, step.pick);
        if (!subscriber) return;
        subscriber.isDone = true;
        subscriber.hasUnsubscribed = true;
        return void subscriber.changes.return?.();
      }
    }
  }

  /** Advances the clock, with an upstream that responds, until each subscriber has received all changes. */
  async function settle() {
    for (let round = 0; round < 24; round++) {
      for (const call of [...linear.pending]) call.respond();
      for (const subscriber of subscribers) read(subscriber);
      await drained();
      clock.advance(6000);
    }
  }
  return { clock, linear, watcher, subscribers, run, settle };
}

const versionOf = ({ job }: JobChange) => job.seed ?? 0;

describe('a subscriber to job changes', () => {
  it(`receives of each job a subsequence of its states, without duplicates, up to the last one: ${RUNS} schedules`, {
    timeout: 300_000,
  }, async () => {
    const limits = fc.constantFrom({ activeMs: 0, settledMs: 0 }, { activeMs: 1000, settledMs: 300_000 });
    await fc.assert(
      fc.asyncProperty(schedule, limits, async (steps, limits) => {
        const world = createWorld(limits);
        const { linear, subscribers, watcher } = world;
        for (const step of steps) {
          world.run(step);
          await drained();
        }
        await world.settle();
        for (const { received } of subscribers) {
          for (const [id, changes] of received) {
            const history = linear.histories.get(id) ?? [];
            const versions = changes.map(versionOf);
            expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
            for (const { job, previous, cause } of changes) {
              expect(job.status).toBe(history[(job.seed ?? 0) - 1]);
              if (previous) expect(stateOf(previous)).not.toBe(stateOf(job));
              if (cause === 'snapshot') expect(previous).toBeNull();
            }
          }
        }
        for (const { received, job } of subscribers.filter(({ hasUnsubscribed }) => !hasUnsubscribed)) {
          for (const [id, history] of linear.histories) {
            if (job !== undefined && job !== id) continue;
            const last = received.get(id)?.at(-1)?.job.status;
            const endedBefore = job === undefined && last === undefined && NEXT[history.at(-1) ?? ''] === undefined;
            if (!endedBefore) expect({ id, last }).toEqual({ id, last: history.at(-1) });
          }
        }
        for (const { changes } of subscribers) void changes.return?.();
        await drained();
        expect(watcher.size).toBe(0);
        world.clock.advance(600_000);
        await drained();
        expect(linear.pending).toEqual([]);
        watcher.dispose();
      }),
      { numRuns: RUNS },
    );
  });
});
