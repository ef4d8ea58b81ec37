import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createStore } from '../../../src/store/store.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import type { JobChange } from '../../../src/watch/poll/change.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock } from '../../kit/clock.ts';
import { accessOf, newCaller } from '../../kit/store/access.ts';
import { createLinearUpstream } from '../../kit/store/linear-upstream.ts';

const RUNS = 10_000;
/** No call takes longer: it fails then. */
const TIMEOUT_MS = 30_000;
const JOBS = ['ftjob-a', 'ftjob-b'];
const NEXT: Readonly<Record<string, readonly string[]>> = {
  validating_files: ['queued', 'failed'],
  queued: ['running', 'cancelled'],
  running: ['pausing', 'succeeded', 'cancelled', 'brooding'],
  brooding: ['running'],
  pausing: ['paused'],
  paused: ['resuming', 'cancelled'],
  resuming: ['running'],
};
const access = accessOf({ apiKey: 'model' });

type Op =
  | { kind: 'move' | 'query' | 'hint' | 'join'; job: number; pick: number }
  | { kind: 'sample' | 'answer' | 'fail' | 'read' | 'leave'; pick: number }
  | { kind: 'create' | 'list' | 'joinAll' }
  | { kind: 'advance'; ms: number };

const small = fc.nat(7);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('move' as const), job: fc.nat(2), pick: small }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('query', 'hint', 'join'), job: fc.nat(2), pick: small }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('sample', 'answer'), pick: small }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('fail', 'read', 'leave'), pick: small }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('create', 'list', 'joinAll') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(0, 1, 250, 2000, 9000) }),
  },
) as fc.Arbitrary<Op>; // fast-check widens what it is given by name.

/** Somebody follows from the beginning, and many things happen. */
const schedule = fc
  .tuple(
    fc.subarray<Op>([{ kind: 'join', job: 0, pick: 0 }, { kind: 'join', job: 1, pick: 0 }, { kind: 'joinAll' }], {
      minLength: 1,
    }),
    fc.array(op, { minLength: 20, maxLength: 60, size: 'max' }),
  )
  .map(([joins, steps]) => [...joins, ...steps]);

/** A subscriber, and what it was given of each job: versions, statuses and causes. */
interface Subscriber {
  readonly changes: AsyncIterator<JobChange>;
  /** Undefined for one who follows all. */
  readonly job: string | undefined;
  readonly got: Map<string, JobChange[]>;
  isReading: boolean;
  isDone: boolean;
  hasLeft: boolean;
}

function createWorld(limits: { activeMs: number; settledMs: number }) {
  const clock = createTestClock();
  const linear = createLinearUpstream(clock);
  const store = createStore({ upstream: linear.upstream, clock, maxBytes: 100_000, ...limits });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 2000 });
  const subscribers: Subscriber[] = [];
  for (const id of JOBS) linear.put(id, 'validating_files');

  function join(job?: string) {
    const feeds = watcher.feeds(access);
    const changes = (job === undefined ? feeds.jobs(() => true) : feeds.job(job))[Symbol.asyncIterator]();
    subscribers.push({ changes, job, got: new Map(), isReading: false, isDone: false, hasLeft: false });
  }

  /** Reads one change as soon as there is one. */
  function read(subscriber: Subscriber | undefined) {
    if (!subscriber || subscriber.isReading || subscriber.isDone) return;
    subscriber.isReading = true;
    void subscriber.changes.next().then(({ done, value }) => {
      subscriber.isReading = false;
      subscriber.isDone = done === true;
      if (done) return;
      const got = subscriber.got.get(value.job.id) ?? [];
      subscriber.got.set(value.job.id, got);
      got.push(value);
    });
  }

  function move(id: string, pick: number) {
    const now = linear.histories.get(id)?.at(-1) ?? '';
    const next = NEXT[now];
    if (next) linear.put(id, next[pick % next.length] ?? '');
  }

  const ids = () => [...linear.histories.keys()];
  function run(step: Op) {
    const of = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];
    switch (step.kind) {
      case 'move':
        return move(of(ids(), step.job) ?? '', step.pick);
      case 'create':
        return linear.put(`ftjob-${ids().length}`, 'validating_files');
      case 'advance':
        clock.advance(step.ms);
        for (const call of linear.pending.filter(({ startedAt }) => startedAt <= clock.now() - TIMEOUT_MS)) {
          call.fail(new UpstreamError('UPSTREAM_TIMEOUT', 'slow'));
        }
        return;
      case 'sample':
        return of(linear.pending, step.pick)?.sample();
      case 'answer':
        return of(linear.pending, step.pick)?.respond();
      case 'fail':
        return of(linear.pending, step.pick)?.fail(new UpstreamError('UPSTREAM_UNAVAILABLE', 'down'));
      case 'query':
        return void store.jobs.get(access, of(ids(), step.job) ?? '', newCaller()).catch(() => {});
      case 'list':
        return void store.jobs.list(access, { limit: 20, after: null }, newCaller()).catch(() => {});
      case 'hint':
        return watcher.hint(of(ids(), step.job) ?? '');
      case 'join':
        return join(of(ids(), step.job));
      case 'joinAll':
        return join();
      case 'read':
        return read(of(subscribers, step.pick));
      case 'leave': {
        const subscriber = of(subscribers, step.pick);
        if (subscriber) Object.assign(subscriber, { isDone: true, hasLeft: true });
        return void subscriber?.changes.return?.();
      }
    }
  }

  /** Lets time go on with an upstream that answers, until everybody has had time to hear of everything. */
  async function settle() {
    for (let round = 0; round < 24; round++) {
      for (const call of [...linear.pending]) call.respond();
      for (const subscriber of subscribers) read(subscriber);
      await setImmediate();
      clock.advance(6000);
    }
  }
  return { clock, linear, watcher, subscribers, run, settle };
}

const versionOf = ({ job }: JobChange) => job.seed ?? 0;

describe('a subscriber', () => {
  it(`gets of each job a subsequence of its true states in their order, none twice, ending in the last: ${RUNS} schedules`, {
    timeout: 300_000,
  }, async () => {
    const limits = fc.constantFrom({ activeMs: 0, settledMs: 0 }, { activeMs: 1000, settledMs: 300_000 });
    await fc.assert(
      fc.asyncProperty(schedule, limits, async (steps, limits) => {
        const world = createWorld(limits);
        const { linear, subscribers, watcher } = world;
        for (const step of steps) {
          world.run(step);
          await setImmediate();
        }
        await world.settle();
        for (const { got } of subscribers) {
          for (const [id, changes] of got) {
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
        for (const { got, job } of subscribers.filter(({ hasLeft }) => !hasLeft)) {
          for (const [id, history] of linear.histories) {
            if (job !== undefined && job !== id) continue;
            const last = got.get(id)?.at(-1)?.job.status;
            const hasEndedBefore = job === undefined && last === undefined && NEXT[history.at(-1) ?? ''] === undefined;
            if (!hasEndedBefore) expect({ id, last }).toEqual({ id, last: history.at(-1) });
          }
        }
        for (const { changes } of subscribers) void changes.return?.();
        await setImmediate();
        expect(watcher.size).toBe(0);
        world.clock.advance(600_000);
        await setImmediate();
        expect(linear.pending).toEqual([]);
        watcher.dispose();
      }),
      { numRuns: RUNS },
    );
  });
});
