import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { detachedContext, type ReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { Store } from '../../store/store.ts';
import { type CreateReplayed, createReplayed } from '../../telemetry/events.ts';
import { isOutcomeUnknown } from '../../upstream/errors/upstream-error.ts';
import type { Call } from '../../upstream/resilience/transport.ts';
import { addMark, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { type Decision, decide, type Found, type UnresolvedCreate } from './decision.ts';
import { findJobByKey } from './find-by-key.ts';
import { createKeyedQueue } from './keyed-queue.ts';

/** A request to create a job. */
export interface CreateCommand {
  readonly access: Access;
  readonly readContext: ReadContext;
  /** The options of the create. */
  readonly call: Call;
  /** The upstream request without the mark. */
  readonly request: object;
  /** Null without an idempotency key: each command creates a job. */
  readonly mark: IdempotencyMark | null;
  /** Marks of the same key under API keys that have been replaced. */
  readonly earlierMarks?: readonly IdempotencyMark[];
  /**
   * Takes one create from the caller's quota and calls `run`; `refund` gives the create back. Rejects as `run` does, or with
   * DailyQuotaExceeded without a call of `run`.
   */
  readonly spendQuota: <T>(run: (refund: () => void) => Promise<T>) => Promise<T>;
}

/** The created job, the job of another request with the same key (a conflict), or the id of the key's deleted job. */
export type CreateResult = Found | { readonly kind: 'deleted'; readonly jobId: string };

/**
 * Creates at most one job per idempotency key. Before a create, and after one with an unknown outcome, it searches the
 * upstream for a job with the key in its metadata. Keys therefore survive restarts; the keys in memory only save searches.
 *
 * Not covered:
 * - two processes with the same key at the same time: both may find no job;
 * - a job that appears in the upstream's list more than a minute after a create with an unknown outcome; or, after a
 *   restart within that minute, later than the next attempt;
 * - an upstream that does not store metadata: a key is known only to the process that created the job;
 * - a change of the organization or project, or of the API key while no process runs: no job of an earlier key is found.
 */
export interface IdempotentCreator {
  /**
   * Rejects with UpstreamError, or as `spendQuota` does. If `isOutcomeUnknown`, the job may exist: with a key, the same
   * command finds it, or creates it after a minute.
   */
  create(command: CreateCommand): Promise<CreateResult>;
}

/** The job of a key, and the digest of its request. */
interface KnownJob {
  readonly jobId: string;
  readonly request: string;
}

/** Maximum number of keys in memory: a few MB. */
const MAX_KEYS = 10_000;

export interface IdempotentCreatorOptions {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  /** Maximum number of keys in memory. Default: 10,000. */
  readonly maxKeys?: number;
}

const REPLAYED: CreateReplayed = { kind: 'create' };

function reportReplay(): void {
  if (createReplayed.hasSubscribers) createReplayed.publish(REPLAYED);
}

export function createIdempotentCreator({
  upstream,
  store,
  clock,
  maxKeys = MAX_KEYS,
}: IdempotentCreatorOptions): IdempotentCreator {
  const creates = new LRUCache<string, KnownJob | UnresolvedCreate>({ maxSize: maxKeys, sizeCalculation: () => 1 });
  const queue = createKeyedQueue<CreateResult>();
  const { invalidation } = store.jobs;

  async function create({ access, call }: CreateCommand, body: object): Promise<Job> {
    try {
      const job = await upstream.jobs.create(body, call);
      return store.jobs.put(access, job).value ?? job;
    } catch (error) {
      if (isOutcomeUnknown(error)) invalidation.bumpGeneration(access); // The next list shows whether the job exists.
      throw error;
    }
  }

  function recordCreated(mark: IdempotencyMark, job: Job): Found {
    creates.set(mark.key, { jobId: job.id, request: mark.request });
    return { kind: 'created', job };
  }

  async function search({ access, readContext }: CreateCommand, mark: IdempotencyMark): Promise<Decision> {
    const known = creates.get(mark.key);
    const unresolved = known && 'error' in known ? known : null;
    const cause = unresolved ? 'mutation' : 'query'; // A job found after an unresolved create was created by it.
    const job = await findJobByKey(store, { access, readContext: detachedContext(readContext), mark, cause });
    if (job !== null) invalidation.bumpGeneration(access); // Cached lists may lack it.
    const decision = decide(mark, job, unresolved, clock.now());
    return decision.kind === 'created' ? recordCreated(mark, decision.job) : decision;
  }

  /** Creates the job. If the outcome is unknown, searches for it at once. */
  async function createMarked(command: CreateCommand, mark: IdempotencyMark): Promise<Found> {
    try {
      return recordCreated(mark, await create(command, addMark(command.request, mark)));
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error;
      creates.set(mark.key, { error, unknownAt: clock.now() });
      const decision = await search(command, mark).catch(() => null); // If both fail, the error of the create is thrown.
      if (decision === null || !('job' in decision)) throw error;
      return decision;
    }
  }

  /** Finds the job of the key, also one that was created before the API key was replaced. */
  async function searchAll(command: CreateCommand, mark: IdempotencyMark): Promise<Decision> {
    for (const earlier of command.earlierMarks ?? []) {
      const decision = await search(command, earlier);
      if (decision.kind !== 'create') return decision;
    }
    return await search(command, mark);
  }

  async function findOrCreate(command: CreateCommand, mark: IdempotencyMark, refund: () => void): Promise<Found> {
    const decision = await searchAll(command, mark);
    if (decision.kind === 'create') return await createMarked(command, mark);
    refund();
    if (decision.kind === 'created') reportReplay();
    if (decision.kind === 'unresolved') throw decision.error;
    return decision;
  }

  /** Returns the current state of the known job of a key. */
  async function readKnownJob(
    { access, readContext }: CreateCommand,
    { jobId, request }: KnownJob,
    mark: IdempotencyMark,
  ): Promise<CreateResult> {
    const job = await store.jobs.get(access, jobId, detachedContext(readContext));
    if (job === null) return { kind: 'deleted', jobId };
    if (request !== mark.request) return { kind: 'conflict', job };
    reportReplay();
    return { kind: 'created', job };
  }

  function createOnce(command: CreateCommand, mark: IdempotencyMark): Promise<CreateResult> {
    for (const each of [mark, ...(command.earlierMarks ?? [])]) {
      const known = creates.get(each.key);
      if (known && 'jobId' in known) return readKnownJob(command, known, each);
    }
    return command.spendQuota((refund) => findOrCreate(command, mark, refund));
  }

  return {
    async create(command) {
      const { mark, earlierMarks = [] } = command;
      if (mark === null)
        return { kind: 'created', job: await command.spendQuota(() => create(command, command.request)) };
      const first = earlierMarks.at(-1) ?? mark; // The same before and after a change of the API key.
      return await queue.run(first.key, first.request, () => createOnce(command, mark));
    },
  };
}
