import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { FleetUnavailable } from '../../state/fleet-unavailable.ts';
import type { Ledger, LedgerJob, Reservation } from '../../state/ledger.ts';
import { detachedContext, type ReadContext } from '../../store/cache/read-context.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { Store } from '../../store/store.ts';
import { type CreateReplayed, createReplayed } from '../../telemetry/events.ts';
import { isOutcomeUnknown, NO_RETRY, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Call } from '../../upstream/resilience/transport.ts';
import { addMark, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { type Decision, decide, type Found, LedgerLost, type UnresolvedCreate } from './decision.ts';
import { findJobByKey } from './find-by-key.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { reserveKeys } from './reserve-keys.ts';

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
  /** The mark by which creates of the same key wait for each other. Default: `mark`. */
  readonly firstMark?: IdempotencyMark;
  /**
   * Takes one create from the caller's quota and calls `run`; `refund` gives the create back. Rejects as `run` does, or with
   * DailyQuotaExceeded without a call of `run`.
   */
  readonly spendQuota: <T>(run: (refund: () => void) => Promise<T>) => Promise<T>;
}

/** The created job, the job of another request with the same key (a conflict), or the id of the key's deleted job. */
export type CreateResult = Found | { readonly kind: 'deleted'; readonly jobId: string };

/**
 * Creates at most one job per idempotency key. One create of a key is under way at a time: within the process by a queue, among
 * replicas by a reservation in the ledger. Before a create, and after one with an unknown outcome, it searches the upstream for
 * a job with the key in its metadata. Keys therefore survive restarts, and a Redis that lost its data.
 *
 * Not covered:
 * - two gateways without a common Redis and with the same key at the same time: both may find no job;
 * - a job that appears in the upstream's list more than a minute after a create with an unknown outcome; or, after a
 *   restart without Redis within that minute, later than the next attempt;
 * - a Redis that lost its data while every replica that knew of it is gone, or cannot reach it, within the same minute;
 * - two Redis servers that both accept writes: see `min-replicas-to-write` in docs/fleet.md;
 * - a machine that is suspended between the last check of the deadline and the request, and wakes up after a minute;
 * - an upstream that does not store metadata: a key is known only to the ledger;
 * - a change of the organization or project, or of the API key while no process runs: no job of an earlier key is found.
 */
export interface IdempotentCreator {
  /**
   * Rejects with UpstreamError, FleetUnavailable (nothing was sent), or as `spendQuota` does. If `isOutcomeUnknown`, the job may exist: with a key, the same
   * command finds it, or creates it after a minute.
   */
  create(command: CreateCommand): Promise<CreateResult>;
}

/** Maximum number of errors in memory. */
const MAX_ERRORS = 1000;

/** Added to the timeout of a create: its reservation expires after its last byte can have arrived. */
const SLACK_MS = 3000;

export interface IdempotentCreatorOptions {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Milliseconds after which the upstream client ends a create. */
  readonly timeoutMs: number;
}

const REPLAYED: CreateReplayed = { kind: 'create' };

function reportReplay(): void {
  if (createReplayed.hasSubscribers) createReplayed.publish(REPLAYED);
}

export function createIdempotentCreator({
  upstream,
  store,
  clock,
  ledger,
  timeoutMs,
}: IdempotentCreatorOptions): IdempotentCreator {
  const createMs = timeoutMs + SLACK_MS;
  /** The errors of creates of this process whose outcome is unknown. */
  const errors = new LRUCache<string, UpstreamError>({ maxSize: MAX_ERRORS, sizeCalculation: () => 1 });
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

  /** Returns the unresolved create of the keys. Its error is known to the process that sent it. */
  function unresolvedOf({ unknown }: Reservation, { key }: IdempotencyMark): UnresolvedCreate | null {
    if (unknown === null) return null;
    const { forMs, isLoss } = unknown;
    return { forMs, error: isLoss ? new LedgerLost(forMs) : (errors.get(key) ?? unknownOutcome()) };
  }

  async function search({ command, reservation }: Attempt, mark: IdempotencyMark, last: UnresolvedCreate | null) {
    const { access, readContext } = command;
    const cause = last ? 'mutation' : 'query'; // A job found after an unresolved create was created by it.
    const job = await findJobByKey(store, { access, readContext: detachedContext(readContext), mark, cause });
    if (job !== null) invalidation.bumpGeneration(access); // Cached lists may lack it.
    const decision = decide(mark, job, last);
    if (decision.kind === 'created') settleMade(reservation, mark, decision.job);
    return decision;
  }

  /** Creates the job. If the outcome is unknown, searches for it at once. Resolves to null when another has the key. */
  async function createMarked(attempt: Attempt): Promise<Found | null> {
    const { command, mark, reservation } = attempt;
    const startedAt = clock.now();
    if (!(await reservation.begin(createMs))) return null;
    if (clock.now() - startedAt >= SLACK_MS) return null; // The process was stopped: the create could outlive the lease.
    try {
      const job = await create(command, addMark(command.request, mark));
      settleMade(reservation, mark, job);
      return { kind: 'created', job };
    } catch (error) {
      if (error instanceof UpstreamError && !error.isOutcomeUnknown) throw error;
      reservation.settle({ kind: 'unknown', key: mark.key });
      if (!isOutcomeUnknown(error)) throw error;
      errors.set(mark.key, error);
      const decision = await search(attempt, mark, { error, forMs: 0 }).catch(() => null); // If both fail, the error of the create is thrown.
      if (decision === null || !('job' in decision)) throw error;
      return decision;
    }
  }

  /** Finds the job of the key, also one that was created before the API key was replaced. */
  async function searchAll(attempt: Attempt): Promise<Decision> {
    const { command, mark, reservation } = attempt;
    const last = unresolvedOf(reservation, mark);
    for (const earlier of command.earlierMarks ?? []) {
      const decision = await search(attempt, earlier, last);
      if ('job' in decision) return decision;
    }
    return await search(attempt, mark, last);
  }

  async function findOrCreate(attempt: Attempt, refund: () => void): Promise<Found | null> {
    try {
      const decision = await searchAll(attempt);
      const created = decision.kind === 'create' ? await createMarked(attempt) : null;
      if (created !== null) return created;
      refund();
      if (decision.kind === 'create') return null;
      if (decision.kind === 'created') reportReplay();
      if (decision.kind === 'unresolved') throw decision.error;
      return decision;
    } catch (error) {
      if (error instanceof FleetUnavailable) refund();
      throw error;
    }
  }

  /** Returns the current state of the known job of a key. */
  async function readKnownJob(
    { access, readContext }: CreateCommand,
    { jobId, request }: LedgerJob,
    mark: IdempotencyMark,
  ): Promise<CreateResult> {
    const job = await store.jobs.get(access, jobId, detachedContext(readContext));
    if (job === null) return { kind: 'deleted', jobId };
    if (request !== mark.request) return { kind: 'conflict', job };
    reportReplay();
    return { kind: 'created', job };
  }

  async function createOnce(command: CreateCommand, mark: IdempotencyMark): Promise<CreateResult> {
    const marks = [mark, ...(command.earlierMarks ?? [])];
    const keys = marks.map(({ key }) => key);
    for (;;) {
      const claimed = await reserveKeys(ledger, keys, createMs, clock);
      if (claimed.kind === 'made') {
        return await readKnownJob(command, claimed.job, marks.find(({ key }) => key === claimed.key) ?? mark);
      }
      using reservation = claimed;
      const found = await command.spendQuota((refund) => findOrCreate({ command, mark, reservation }, refund));
      if (found !== null) return found; // Else another replica took the key while this one was stopped or cut off.
    }
  }

  return {
    async create(command) {
      const { mark } = command;
      if (mark === null)
        return { kind: 'created', job: await command.spendQuota(() => create(command, command.request)) };
      const { firstMark = mark } = command;
      return await queue.run(firstMark.key, firstMark.request, () => createOnce(command, mark));
    },
  };
}

/** A command that has the reservation of its keys. */
interface Attempt {
  readonly command: CreateCommand;
  readonly mark: IdempotencyMark;
  readonly reservation: Reservation;
}

function settleMade(reservation: Reservation, { key, request }: IdempotencyMark, job: Job): void {
  reservation.settle({ kind: 'made', key, job: { jobId: job.id, request } });
}

/** The error of a create that another process sent. */
const unknownOutcome = () =>
  new UpstreamError(
    'UPSTREAM_UNAVAILABLE',
    'another process sent the create, and its outcome is unknown',
    {},
    NO_RETRY,
    true,
  );
