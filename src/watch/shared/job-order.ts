import type { Clock } from '../../clock.ts';
import type { Accepted, OfferResult, ScopeState } from '../../state/watch-state.ts';
import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Cause } from '../../store/cache/read-through.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobObserved, JobStore } from '../../store/resources/job.ts';
import { isTerminal, type Job, readJob } from '../../upstream/resources/job.ts';
import type { StateOf } from '../poll/change.ts';
import type { WatchRegistry } from '../poll/registry-types.ts';
import { createKnownJobs, type KnownJobs } from './known-jobs.ts';

export interface JobOrderOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  stateOf: StateOf;
  scope: ScopeState<JobObserved>;
  /** The registry has the `sharing` of these jobs. */
  getRegistry: () => WatchRegistry;
  /** Called with each accepted observation, in the order that all replicas have in common. */
  deliver: (observed: JobObserved) => void;
  onListenerError: (error: unknown) => void;
}

/** Offers the observations of this replica, and delivers the accepted ones of all. */
export interface JobOrder {
  readonly known: KnownJobs;
  /** Handles an observation by a read of this replica: offers it, if its job has subscribers. */
  observe(observed: JobObserved): void;
  /** Delivers an accepted observation, unless subscribers have it or a later one. */
  accept(accepted: Accepted<JobObserved>): void;
  dispose(): void;
}

export function createJobOrder(options: JobOrderOptions): JobOrder {
  const { access, jobs: store, stateOf, scope, getRegistry, deliver, onListenerError } = options;
  const known = createKnownJobs();
  let [isReceiving, isDisposed] = [false, false];

  /** A listener that throws must not end the reader of the log. */
  function safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      onListenerError(error);
    }
  }

  function acceptNext(accepted: Accepted<JobObserved>): void {
    const { jobId, revision, origin } = accepted;
    const last = known.get(jobId);
    if (last?.isDetached) {
      if (origin) apply(jobId, revision, origin);
    } else if (last === undefined || last.revision === null || revision > last.revision) {
      if (origin) apply(jobId, revision, origin);
      else receive(accepted);
    }
  }

  /** Delivers an observation of this replica that is the accepted one of this revision. */
  function apply(jobId: string, revision: number, observed: JobObserved): void {
    const { value: job, receivedSeq: learnedSeq } = observed.accepted;
    known.set(jobId, { revision, learnedSeq, job, isDetached: scope.role === 'alone' });
    const previous = getRegistry().jobs.get(jobId)?.observation;
    deliver(previous === undefined || previous === observed.previous ? observed : { ...observed, previous });
    forgetUnwatched(jobId);
  }

  /** Records and delivers an accepted observation of another replica. */
  function receive({ jobId: id, revision, raw, observedAt, ...accepted }: Accepted<JobObserved>): void {
    const watched = getRegistry().jobs.get(id);
    if (!watched && getRegistry().account.listeners.size === 0) return;
    const job = raw === null ? null : readJob(raw);
    const cause = accepted.cause as Cause; // As a replica has written it.
    const previous = watched?.observation ?? store.lastObservation(access, id);
    const { receivedSeq, requestedSeq, requestedAt } = record(id, job, cause);
    known.set(id, { revision, learnedSeq: receivedSeq, job, isDetached: false });
    const terminalSince = job && isTerminal(job) ? observedAt : null;
    const times = { requestedAt, requestedSeq, receivedAt: observedAt, receivedSeq };
    const observation: JobObservation = { value: job, ...times, terminalSince };
    deliver({ scope: access.scope, id, previous, accepted: observation, observed: observation, cause });
    forgetUnwatched(id);
  }

  /** Records an observation of another replica in the store, so that queries show it. */
  function record(id: string, job: Job | null, cause: Cause): JobObservation {
    isReceiving = true;
    try {
      return store.receive(access, id, job, cause);
    } finally {
      isReceiving = false;
    }
  }

  function forgetUnwatched(jobId: string): void {
    if (getRegistry().jobs.has(jobId)) return;
    known.delete(jobId);
    scope.forget(jobId);
  }

  function offer(observed: JobObserved): void {
    const { id: jobId, accepted, cause } = observed;
    const { value, receivedAt: observedAt } = accepted;
    const expected = known.get(jobId)?.revision ?? null;
    const end = value !== null && isTerminal(value);
    const result = scope.offer({ jobId, expected, value, isTerminal: end, cause, observedAt, origin: observed });
    if (!(result instanceof Promise)) {
      settle(observed, result);
      return;
    }
    getRegistry().onOffered(jobId);
    result.then(
      (settled) => safely(() => settle(observed, settled)),
      (error: unknown) => safely(() => onOfferFailed(observed, error)),
    );
  }

  function settle(observed: JobObserved, result: OfferResult<JobObserved>): void {
    if (isDisposed) return;
    if (result.kind === 'refused') onRefused(observed, result.current);
    else if (result.kind === 'reset') pollAgain(observed.id);
    else settleAt(result.revision, result.kind === 'accepted', observed);
  }

  /** An accepted observation comes by the log, but its entry can be missed: subscribers who are detached get it at once. */
  function settleAt(revision: number, isAccepted: boolean, observed: JobObserved): void {
    const last = known.get(observed.id);
    if (isAccepted && (!last?.isDetached || last.revision === revision)) return;
    const isLate = last !== undefined && last.revision !== null && last.revision > revision;
    if (!isLate || last.isDetached) apply(observed.id, revision, observed);
  }

  /** Subscribers who are detached need a poll of this replica. */
  function pollAgain(id: string): void {
    if (known.get(id)?.isDetached) getRegistry().pollHere(id);
    else getRegistry().requestPoll(id, 'poll');
  }

  function onRefused({ id, accepted }: JobObserved, current: Accepted<JobObserved>): void {
    const last = known.get(id);
    const job = current.raw === null ? null : readJob(current.raw);
    const hasEnded = job !== null && isTerminal(job);
    if (last?.isDetached && !hasEnded) {
      known.set(id, { ...last, revision: current.revision, learnedSeq: store.nextSequence() });
      getRegistry().pollHere(id);
      return;
    }
    if (last?.isDetached) receive(current);
    else acceptNext(current);
    const isOther = job !== null && accepted.value !== null && stateOf(job) !== stateOf(accepted.value);
    if (isOther && !hasEnded) getRegistry().requestPoll(id, 'poll');
  }

  function onOfferFailed(observed: JobObserved, error: unknown): void {
    if (scope.role !== 'alone') onListenerError(error);
    else if (!isDisposed && !known.isStale(observed.id, observed.accepted.requestedSeq)) offer(observed);
  }

  return {
    known,
    observe(observed) {
      const { id, previous, accepted } = observed;
      if (isReceiving) return;
      const isOffered =
        accepted !== previous && (getRegistry().jobs.has(id) || getRegistry().concernsAccount(observed));
      if (!isOffered) return deliver(observed);
      if (!known.isStale(id, accepted.requestedSeq)) return offer(observed);
      getRegistry().onOffered(id);
      pollAgain(id);
    },
    accept(accepted) {
      if (!isDisposed) safely(() => acceptNext(accepted));
    },
    dispose() {
      isDisposed = true;
    },
  };
}
