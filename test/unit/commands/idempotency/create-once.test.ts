import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  type CreateResult,
  createIdempotentCreator,
  type IdempotentCreator,
} from '../../../../src/commands/idempotency/create-once.ts';
import { markOf } from '../../../../src/commands/idempotency/idempotency-key.ts';
import type { Fault, FilterFault } from '../../../../src/sandbox/state/faults.ts';
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

/** Processes that make jobs in one sandbox, one after the other. */
async function openWorkshop() {
  const sandbox = await openWritable();
  const { clock } = sandbox;
  const { id: training_file } = await sandbox.uploaded();
  const upstreams: Upstream[] = [];
  let spent = 0;
  let whenAsked = () => {};

  function start(mostKeys: number): IdempotentCreator {
    const bounds = { timeoutMs: TIMEOUT_MS, connections: 8, retries: 0, maxRps: 100_000 };
    const upstream = createUpstream({ baseUrl: new URL(sandbox.baseUrl), clock, ...bounds });
    upstreams.push(upstream);
    const create: Upstream['jobs']['create'] = (...asked) => upstream.jobs.create(...asked).finally(whenAsked);
    const store = createStore({ upstream, clock, activeMs: 1000, settledMs: 300_000, maxBytes: 10_000_000 });
    return createIdempotentCreator({
      upstream: { ...upstream, jobs: { ...upstream.jobs, create } },
      store,
      clock,
      mostKeys,
    });
  }
  let creator = start(100);

  async function make(key: string | null, seed = 1): Promise<Outcome> {
    const request = { model: 'gpt-4o-mini', training_file, seed };
    const mark = key === null ? null : markOf({ credential, callerName: null, key, request });
    const readContext = newReadContext();
    const spendQuota = async <T>(run: (giveBack: () => void) => Promise<T>) => {
      spent++;
      return await run(() => void spent--);
    };
    try {
      return await creator.create({ access, readContext, request, mark, spendQuota });
    } catch (error) {
      if (error instanceof UpstreamError) return error;
      throw error;
    }
  }

  return {
    clock,
    faults: sandbox.faults,
    make,
    /** What was not written down is forgotten. */
    restart(mostKeys = 100) {
      creator = start(mostKeys);
    },
    /** Calls back once a create has ended. */
    whenAsked(callback: () => void) {
      whenAsked = callback;
    },
    spent: () => spent,
    /** How many jobs the sandbox has made for clients. */
    count: async () => (await sandbox.jobs()).filter((job) => job.training_file === training_file).length,
    [Symbol.asyncDispose]: async () => void (await Promise.all(upstreams.map((upstream) => upstream.dispose()))),
  };
}

const jobIdOf = (outcome: Outcome) => ('job' in outcome ? outcome.job.id : null);
const kindOf = (outcome: Outcome) =>
  'kind' in outcome ? outcome.kind : outcome.isOutcomeUnknown ? 'unknown' : 'failed';

const BEFORE: Fault[] = ['cut_at_once', 'cut_in_body', 'cut_after_body', 'fail_before'];
const AFTER: Fault[] = ['cut_before_answer', 'cut_after_status', 'cut_in_answer', 'fail_after'];
const LAG = { lagsMs: 30_000 };

describe('a job that is asked for under a key', () => {
  it('is made once, however often it is asked for, and the same is another only under another key', async () => {
    await using workshop = await openWorkshop();
    const first = await workshop.make('k');
    expect(kindOf(first)).toBe('made');
    expect(jobIdOf(await workshop.make('k'))).toBe(jobIdOf(first));
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 1]);
    expect(jobIdOf(await workshop.make('l'))).not.toBe(jobIdOf(first));
    expect(jobIdOf(await workshop.make(null))).not.toBe(jobIdOf(first));
    expect([await workshop.count(), workshop.spent()]).toEqual([3, 3]);
  });

  it('is one of another request when it is, at once or later', async () => {
    await using workshop = await openWorkshop();
    const outcomes = await Promise.all([workshop.make('k', 1), workshop.make('k', 2), workshop.make('k', 1)]);
    expect(outcomes.map(kindOf)).toEqual(['made', 'other', 'made']);
    workshop.restart();
    expect(kindOf(await workshop.make('k', 2))).toBe('other');
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 1]);
  });

  it.each(AFTER)('is found when it was made and the answer is lost: %s', async (fault) => {
    await using workshop = await openWorkshop();
    workshop.faults.onNext('POST', JOBS, fault);
    const outcome = await workshop.make('k');
    expect(kindOf(outcome)).toBe('made');
    expect(jobIdOf(await workshop.make('k'))).toBe(jobIdOf(outcome));
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 1]);
  });

  it('is found when it was made and no answer comes', async () => {
    await using workshop = await openWorkshop();
    workshop.faults.onNext('POST', JOBS, 'silence');
    const making = workshop.make('k');
    await vi.waitFor(async () => expect(await workshop.count()).toBe(1), 10_000);
    workshop.clock.advance(TIMEOUT_MS);
    expect(kindOf(await making)).toBe('made');
    expect(await workshop.count()).toBe(1);
  });

  it.each(BEFORE)('is not made again for a minute when nobody knows whether it was: %s', async (fault) => {
    await using workshop = await openWorkshop();
    workshop.faults.onNext('POST', JOBS, fault);
    expect(kindOf(await workshop.make('k'))).toBe('unknown');
    workshop.clock.advance(59_000);
    expect(kindOf(await workshop.make('k'))).toBe('unknown');
    expect([await workshop.count(), workshop.spent()]).toEqual([0, 1]);
    workshop.clock.advance(1000);
    expect(kindOf(await workshop.make('k'))).toBe('made');
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 2]);
  });

  it('is not made when it cannot be looked for', async () => {
    await using workshop = await openWorkshop();
    workshop.faults.onNext('GET', JOBS, 'fail_before');
    expect(kindOf(await workshop.make('k'))).toBe('failed');
    expect([await workshop.count(), workshop.spent()]).toEqual([0, 1]);
  });

  it('may have been made when the answer is lost and it cannot be looked for then', async () => {
    await using workshop = await openWorkshop();
    workshop.faults.onNext('POST', JOBS, 'fail_after');
    workshop.whenAsked(() => workshop.faults.onNext('GET', JOBS, 'fail_before'));
    expect(kindOf(await workshop.make('k'))).toBe('unknown');
    expect(kindOf(await workshop.make('k'))).toBe('made');
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 1]);
  });

  it.each<[string, FilterFault]>([
    ['ignores the filter', 'ignored'],
    ['filters late', LAG],
    ['filters', 'none'],
  ])('is found again after a restart by a server that %s', async (_, filter) => {
    await using workshop = await openWorkshop();
    workshop.faults.filter = filter;
    const outcome = await workshop.make('k');
    workshop.restart();
    expect(jobIdOf(await workshop.make('k'))).toBe(jobIdOf(outcome));
    expect([await workshop.count(), workshop.spent()]).toEqual([1, 1]);
  });

  it('is found again when its key had to make room in memory', async () => {
    await using workshop = await openWorkshop();
    workshop.restart(1);
    const outcome = await workshop.make('k');
    await workshop.make('l');
    workshop.faults.filter = LAG;
    expect(jobIdOf(await workshop.make('k'))).toBe(jobIdOf(outcome));
    expect(await workshop.count()).toBe(2);
  });
});

type Step =
  | { readonly kind: 'try'; readonly key: 'k' | 'l'; readonly seed: 1 | 2; readonly twice: boolean }
  | { readonly kind: 'fault'; readonly method: 'POST' | 'GET'; readonly fault: Fault }
  | { readonly kind: 'filter'; readonly filter: FilterFault }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('try' as const),
      key: fc.constantFrom('k', 'l'),
      seed: fc.constantFrom(1, 2),
      twice: fc.boolean(),
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

it('never makes two jobs for one key, whatever goes wrong, and one in the end', { timeout: 60_000 }, async () => {
  await using workshop = await openWorkshop();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      run++;
      const before = await workshop.count();
      const made = new Map<string, string>();
      const note = (key: string, outcome: Outcome) => {
        const id = jobIdOf(outcome);
        if (id === null) return;
        expect(made.get(key) ?? id).toBe(id);
        made.set(key, id);
      };
      for (const now of steps) {
        if (now.kind === 'fault') workshop.faults.onNext(now.method, JOBS, now.fault);
        else if (now.kind === 'filter') workshop.faults.filter = now.filter;
        else if (now.kind === 'wait') workshop.clock.advance(now.ms);
        else if (now.kind === 'restart') workshop.restart();
        else {
          const name = `${now.key} ${run}`;
          const tries = now.twice ? [now.seed, now.seed] : [now.seed];
          for (const outcome of await Promise.all(tries.map((seed) => workshop.make(name, seed)))) note(name, outcome);
        }
      }
      for (const method of ['GET', 'POST']) while (workshop.faults.take(method, JOBS) !== undefined);
      workshop.faults.filter = 'none';
      workshop.clock.advance(61_000);
      workshop.restart(); // With a breaker that is closed.
      for (const key of ['k', 'l']) note(`${key} ${run}`, await workshop.make(`${key} ${run}`));
      expect(await workshop.count()).toBe(before + 2);
      expect(made.size).toBe(2);
    }),
    { numRuns: 60 },
  );
});
