import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  type CreateResult,
  createIdempotentCreator,
  type IdempotentCreator,
} from '../../../../src/commands/idempotency/create-once.ts';
import { deriveMark } from '../../../../src/commands/idempotency/derive-mark.ts';
import { createMemoryCache } from '../../../../src/memory-cache.ts';
import type { Fault, FilterFault } from '../../../../src/sandbox/state/faults.ts';
import { createMemoryLedger } from '../../../../src/state/memory/ledger.ts';
import { createStore } from '../../../../src/store/store.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { createUpstream, type Upstream } from '../../../../src/upstream/upstream.ts';
import { accessOf, newReadContext } from '../../../kit/store/access.ts';
import { openWritable } from '../../sandbox/write.ts';

const JOBS = '/fine_tuning/jobs';
const credential = { apiKey: 'of-one' };
const access = accessOf(credential);
const TIMEOUT_MS = 5000;

type Outcome = CreateResult | UpstreamError;

/** Consecutive gateway processes that create jobs in one sandbox. */
async function openWorld() {
  const sandbox = await openWritable();
  const { clock } = sandbox;
  const { id: training_file } = await sandbox.uploaded();
  const upstreams: Upstream[] = [];
  let spent = 0;
  let onCreateEnd = () => {};

  function start(maxKeys: number): IdempotentCreator {
    const bounds = { timeoutMs: TIMEOUT_MS, connections: 8, retries: 0, maxRps: 100_000 };
    const upstream = createUpstream({ baseUrl: new URL(sandbox.baseUrl), clock, ...bounds });
    upstreams.push(upstream);
    const create: Upstream['jobs']['create'] = (...args) => upstream.jobs.create(...args).finally(() => onCreateEnd());
    const store = createStore({
      upstream,
      clock,
      activeMs: 1000,
      settledMs: 300_000,
      memoryCache: createMemoryCache(10_000_000),
    });
    return createIdempotentCreator({
      upstream: { ...upstream, jobs: { ...upstream.jobs, create } },
      store,
      clock,
      ledger: createMemoryLedger(clock, maxKeys),
      timeoutMs: TIMEOUT_MS,
    });
  }
  let creator = start(100);

  async function createJob(key: string | null, seed = 1): Promise<Outcome> {
    const request = { model: 'gpt-4o-mini', training_file, seed };
    const mark = key === null ? null : deriveMark({ credential, callerId: null, key, request });
    const readContext = newReadContext();
    const spendQuota = async <T>(run: (refund: () => void) => Promise<T>) => {
      spent++;
      return await run(() => void spent--);
    };
    try {
      const call = { credential, signal: readContext.signal, onRequest: () => readContext.countCall() };
      return await creator.create({ access, readContext, call, request, mark, spendQuota });
    } catch (error) {
      if (error instanceof UpstreamError) return error;
      throw error;
    }
  }

  return {
    clock,
    faults: sandbox.faults,
    createJob,
    /** Starts a new process without memory. */
    restart(maxKeys = 100) {
      creator = start(maxKeys);
    },
    /** Sets a callback for the end of each create call. */
    afterCreate(callback: () => void) {
      onCreateEnd = callback;
    },
    spent: () => spent,
    /** Number of jobs created in the sandbox. */
    count: async () => (await sandbox.jobs()).filter((job) => job.training_file === training_file).length,
    [Symbol.asyncDispose]: async () => void (await Promise.all(upstreams.map((upstream) => upstream.dispose()))),
  };
}

const jobIdOf = (outcome: Outcome) => ('job' in outcome ? outcome.job.id : null);
const kindOf = (outcome: Outcome) =>
  'kind' in outcome ? outcome.kind : outcome.isOutcomeUnknown ? 'unknown' : 'failed';

const BEFORE: Fault[] = ['cut_at_once', 'cut_in_body', 'cut_after_body', 'fail_before'];
const AFTER: Fault[] = ['cut_before_response', 'cut_after_status', 'cut_in_response', 'fail_after'];
const LAG = { lagsMs: 30_000 };

describe('a job with an idempotency key', () => {
  it('is created once for any number of equal requests, and again for another key or without one', async () => {
    await using world = await openWorld();
    const first = await world.createJob('k');
    expect(kindOf(first)).toBe('created');
    expect(jobIdOf(await world.createJob('k'))).toBe(jobIdOf(first));
    expect([await world.count(), world.spent()]).toEqual([1, 1]);
    expect(jobIdOf(await world.createJob('l'))).not.toBe(jobIdOf(first));
    expect(jobIdOf(await world.createJob(null))).not.toBe(jobIdOf(first));
    expect([await world.count(), world.spent()]).toEqual([3, 3]);
  });

  it('is a conflict for another request, at the same time and later', async () => {
    await using world = await openWorld();
    const outcomes = await Promise.all([world.createJob('k', 1), world.createJob('k', 2), world.createJob('k', 1)]);
    expect(outcomes.map(kindOf)).toEqual(['created', 'conflict', 'created']);
    world.restart();
    expect(kindOf(await world.createJob('k', 2))).toBe('conflict');
    expect([await world.count(), world.spent()]).toEqual([1, 1]);
  });

  it.each(AFTER)('is found when it was created and the response is lost: %s', async (fault) => {
    await using world = await openWorld();
    world.faults.onNext('POST', JOBS, fault);
    const outcome = await world.createJob('k');
    expect(kindOf(outcome)).toBe('created');
    expect(jobIdOf(await world.createJob('k'))).toBe(jobIdOf(outcome));
    expect([await world.count(), world.spent()]).toEqual([1, 1]);
  });

  it('is found when it was created and the response times out', async () => {
    await using world = await openWorld();
    world.faults.onNext('POST', JOBS, 'silence');
    const creating = world.createJob('k');
    await vi.waitFor(async () => expect(await world.count()).toBe(1), 10_000);
    world.clock.advance(TIMEOUT_MS);
    expect(kindOf(await creating)).toBe('created');
    expect(await world.count()).toBe(1);
  });

  it.each(BEFORE)('is not created again for a minute after an unknown outcome: %s', async (fault) => {
    await using world = await openWorld();
    world.faults.onNext('POST', JOBS, fault);
    expect(kindOf(await world.createJob('k'))).toBe('unknown');
    world.clock.advance(59_000);
    expect(kindOf(await world.createJob('k'))).toBe('unknown');
    expect([await world.count(), world.spent()]).toEqual([0, 1]);
    world.clock.advance(1000);
    expect(kindOf(await world.createJob('k'))).toBe('created');
    expect([await world.count(), world.spent()]).toEqual([1, 2]);
  });

  it('is not created when the search fails', async () => {
    await using world = await openWorld();
    world.faults.onNext('GET', JOBS, 'fail_before');
    expect(kindOf(await world.createJob('k'))).toBe('failed');
    expect([await world.count(), world.spent()]).toEqual([0, 1]);
  });

  it('has an unknown outcome when the response is lost and the search fails', async () => {
    await using world = await openWorld();
    world.faults.onNext('POST', JOBS, 'fail_after');
    world.afterCreate(() => world.faults.onNext('GET', JOBS, 'fail_before'));
    expect(kindOf(await world.createJob('k'))).toBe('unknown');
    expect(kindOf(await world.createJob('k'))).toBe('created');
    expect([await world.count(), world.spent()]).toEqual([1, 1]);
  });

  it.each<[string, FilterFault]>([
    ['ignores the filter', 'ignored'],
    ['filters with a lag', LAG],
    ['filters at once', 'none'],
  ])('is found after a restart with an upstream that %s', async (_, filter) => {
    await using world = await openWorld();
    world.faults.filter = filter;
    const outcome = await world.createJob('k');
    world.restart();
    expect(jobIdOf(await world.createJob('k'))).toBe(jobIdOf(outcome));
    expect([await world.count(), world.spent()]).toEqual([1, 1]);
  });

  it('is found when its key was evicted from memory', async () => {
    await using world = await openWorld();
    world.restart(1);
    const outcome = await world.createJob('k');
    await world.createJob('l');
    world.faults.filter = LAG;
    expect(jobIdOf(await world.createJob('k'))).toBe(jobIdOf(outcome));
    expect(await world.count()).toBe(2);
  });
});

type Step =
  | { readonly kind: 'create'; readonly key: 'k' | 'l'; readonly seed: 1 | 2; readonly isTwice: boolean }
  | { readonly kind: 'fault'; readonly method: 'POST' | 'GET'; readonly fault: Fault }
  | { readonly kind: 'filter'; readonly filter: FilterFault }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      key: fc.constantFrom('k', 'l'),
      seed: fc.constantFrom(1, 2),
      isTwice: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      method: fc.constantFrom('POST', 'POST', 'GET'),
      fault: fc.constantFrom(...BEFORE, ...AFTER),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('filter' as const),
      filter: fc.constantFrom<FilterFault>('none', 'ignored', LAG),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1000, 29_000, 61_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

it('creates at most one job per key through any failures, and exactly one in the end', {
  timeout: 60_000,
}, async () => {
  await using world = await openWorld();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      run++;
      const before = await world.count();
      const jobIds = new Map<string, string>();
      const check = (key: string, outcome: Outcome) => {
        const id = jobIdOf(outcome);
        if (id === null) return;
        expect(jobIds.get(key) ?? id).toBe(id);
        jobIds.set(key, id);
      };
      for (const step of steps) {
        if (step.kind === 'fault') world.faults.onNext(step.method, JOBS, step.fault);
        else if (step.kind === 'filter') world.faults.filter = step.filter;
        else if (step.kind === 'wait') world.clock.advance(step.ms);
        else if (step.kind === 'restart') world.restart();
        else {
          const name = `${step.key} ${run}`;
          const seeds = step.isTwice ? [step.seed, step.seed] : [step.seed];
          for (const outcome of await Promise.all(seeds.map((seed) => world.createJob(name, seed))))
            check(name, outcome);
        }
      }
      for (const method of ['GET', 'POST']) while (world.faults.take(method, JOBS) !== undefined);
      world.faults.filter = 'none';
      world.clock.advance(61_000);
      world.restart(); // With a closed circuit breaker.
      for (const key of ['k', 'l']) check(`${key} ${run}`, await world.createJob(`${key} ${run}`));
      expect(await world.count()).toBe(before + 2);
      expect(jobIds.size).toBe(2);
    }),
    { numRuns: 60 },
  );
});
