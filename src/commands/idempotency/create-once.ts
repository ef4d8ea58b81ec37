import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import { detachedContext, type ReadContext } from '../../store/cache/single-flight.ts';
import type { Store } from '../../store/store.ts';
import { isOutcomeUnknown } from '../../upstream/errors/upstream-error.ts';
import { addMark, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { type Decision, decide, type Found, type UnresolvedCreate } from './decision.ts';
import { findJobByKey } from './find-by-key.ts';
import { createKeyedQueue } from './keyed-queue.ts';

/** A job that is asked for. */
export interface CreateOrder {
  readonly access: Access;
  readonly readContext: ReadContext;
  /** What is sent, but for the mark. */
  readonly request: object;
  /** Null when the caller has given no key: then each order makes a job. */
  readonly mark: IdempotencyMark | null;
  /** Counts what may make a job, and runs it; `giveBack` says that this one has made none. Rejects as `run` does, or before it. */
  readonly spendQuota: <T>(run: (giveBack: () => void) => Promise<T>) => Promise<T>;
}

/** What came of an order: the job that was made for it; or the one of another request under the same key; or it is gone. */
export type CreateResult = Found | { readonly kind: 'gone'; readonly jobId: string };

/**
 * Makes jobs, and for one key never two: as long as one process asks, and the server keeps the metadata of its jobs and
 * shows them in its list. What this process remembers of a key is not needed: what it has forgotten, or never known, is
 * looked for upstream before anything is created, so that a key holds over a restart, too. Not covered are:
 * - two processes that are asked at the same time: both may find nothing;
 * - a job that shows up in the list of the upstream more than a minute after its create, if nobody knows what came of
 *   that; or, after a restart in that minute, later than the first try;
 * - a server that keeps no metadata: there a key holds only for the jobs that this process remembers;
 * - another credential: its keys are others.
 */
export interface IdempotentCreator {
  /**
   * Rejects with UpstreamError, or as `spend` does. `isOutcomeUnknown` tells of a create that may have made its job: with
   * a key, the same order finds it or, from a minute later on, creates it.
   */
  create(order: CreateOrder): Promise<CreateResult>;
}

/** The job that was made for a key, and for which request. */
interface KnownJob {
  readonly jobId: string;
  readonly request: string;
}

/** Most keys that are remembered: a few MB. */
const MAX_KEYS = 10_000;

export interface IdempotentCreatorOptions {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  /** Most keys that are remembered. */
  readonly mostKeys?: number;
}

export function createIdempotentCreator({
  upstream,
  store,
  clock,
  mostKeys = MAX_KEYS,
}: IdempotentCreatorOptions): IdempotentCreator {
  const memories = new LRUCache<string, KnownJob | UnresolvedCreate>({ max: mostKeys });
  const queue = createKeyedQueue<CreateResult>();

  async function create({ access, readContext }: CreateOrder, body: object): Promise<Job> {
    const { signal } = detachedContext(readContext);
    const call = { credential: access.credential, signal, onRequest: () => readContext.upstreamCalls++ };
    try {
      const job = await upstream.jobs.create(body, call);
      return store.jobs.put(access, job).value ?? job;
    } catch (error) {
      if (isOutcomeUnknown(error)) store.jobs.invalidation.bumpGeneration(access); // The next list shows it, or not.
      throw error;
    }
  }

  function remember(mark: IdempotencyMark, job: Job): Found {
    memories.set(mark.key, { jobId: job.id, request: mark.request });
    return { kind: 'made', job };
  }

  async function search({ access, readContext }: CreateOrder, mark: IdempotencyMark): Promise<Decision> {
    const memory = memories.get(mark.key);
    const last = memory && 'error' in memory ? memory : null;
    const cause = last ? 'mutation' : 'query'; // Then it is the one that was made here.
    const job = await findJobByKey(store, { access, readContext: detachedContext(readContext), mark, cause });
    if (job !== null) store.jobs.invalidation.bumpGeneration(access); // Lists that were kept may lack it.
    const verdict = decide(mark, job, last, clock.now());
    return verdict.kind === 'made' ? remember(mark, verdict.job) : verdict;
  }

  /** Creates it; where nobody knows what came of that, looks for it at once. */
  async function createMarked(order: CreateOrder, mark: IdempotencyMark): Promise<Found> {
    try {
      return remember(mark, await create(order, addMark(order.request, mark)));
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error;
      memories.set(mark.key, { error, unknownAt: clock.now() });
      const verdict = await search(order, mark).catch(() => null); // Of two failures the first is what has to be known.
      if (verdict === null || !('job' in verdict)) throw error;
      return verdict;
    }
  }

  async function findOrCreate(order: CreateOrder, mark: IdempotencyMark, giveBack: () => void): Promise<Found> {
    const verdict = await search(order, mark);
    if (verdict.kind === 'create') return await createMarked(order, mark);
    giveBack();
    if (verdict.kind === 'wait') throw verdict.error;
    return verdict;
  }

  /** The job of a key that is remembered, as it is now. */
  async function recall(
    { access, readContext }: CreateOrder,
    { jobId, request }: KnownJob,
    mark: IdempotencyMark,
  ): Promise<CreateResult> {
    const job = await store.jobs.get(access, jobId, detachedContext(readContext));
    return job ? { kind: request === mark.request ? 'made' : 'other', job } : { kind: 'gone', jobId };
  }

  function begin(order: CreateOrder, mark: IdempotencyMark): Promise<CreateResult> {
    const memory = memories.get(mark.key);
    if (memory && 'jobId' in memory) return recall(order, memory, mark);
    return order.spendQuota((giveBack) => findOrCreate(order, mark, giveBack));
  }

  return {
    async create(order) {
      const { mark } = order;
      if (mark === null) return { kind: 'made', job: await order.spendQuota(() => create(order, order.request)) };
      return await queue.run(mark.key, mark.request, () => begin(order, mark));
    },
  };
}
