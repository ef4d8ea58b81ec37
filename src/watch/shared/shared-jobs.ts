import { ALL_JOBS, partsOf, type Topic, type TopicKind, topicOf } from '../../state/topic.ts';
import type { Role, ScopeState, SharedEvents, WatchState } from '../../state/watch-state.ts';
import type { JobObserved } from '../../store/resources/job.ts';
import { isTerminal } from '../../upstream/resources/job.ts';
import type { JobSharing } from '../poll/job-sharing.ts';
import type { LogSharing } from '../poll/log-sharing.ts';
import type { WatchListener } from '../poll/watched-job.ts';
import { createJobOrder, type JobOrderOptions } from './job-order.ts';
import { createRemoteInterest } from './remote-interest.ts';
import { createLogPublisher } from './shared-logs.ts';

export interface SharedJobsOptions extends Omit<JobOrderOptions, 'scope'> {
  watchState: WatchState;
  readers: LogReaders;
  /** Called when subscribers of this replica follow nothing any more. */
  onNoInterest: () => void;
}

/** The readers of event logs of one scope, on this replica. */
export interface LogReaders {
  /** Reads the log of a job for other replicas. Returns the function that ends it. */
  follow(kind: 'events' | 'progress', jobId: string, onEnd: (error: Error) => void): () => void;
  /** Handles what another replica has read. */
  receive(events: SharedEvents): void;
  /** Reads the log of a job from now on, whichever replica polls. */
  takePolls(jobId: string): void;
  /** Reads all logs once, whichever replica polls: something may be missing. */
  readHere(): void;
  /** This replica has the polls of the scope now, or has lost them. */
  onDuty(): void;
}

/**
 * The order of the observations of one scope, between the store, which has those of this replica, and the registry, whose
 * subscribers get the accepted ones.
 *
 * - Observation: one of a watched job is offered to all replicas. It is delivered when it comes back as accepted, at once in
 *   one process.
 * - Subscription: the job is compared with the accepted observation, if there is one. Else the replica that polls reads it.
 * - Redis away: own observations are delivered, and their jobs are detached. When it is back, each of them is polled here
 *   once; the others are compared.
 */
export interface SharedJobs {
  readonly sharing: JobSharing;
  readonly logs: LogSharing;
  /** Whether subscribers of this replica follow a topic. */
  readonly hasOwnInterest: boolean;
  /** Handles an observation by a read of this replica. */
  observe(observed: JobObserved): void;
  dispose(): void;
}

/** Another replica has so long for the first poll of a job; then this one reads it itself. */
const FIRST_POLL_MS = 2000;
const CLEAN_MS = 60_000;
/** The accepted observations in Redis expire when no replica compares them for an hour. */
const COMPARE_EVERY = 10;

export function createSharedJobs(options: SharedJobsOptions): SharedJobs {
  const { access, jobs: store, clock, getRegistry, readers } = options;
  const own = new Set<Topic>(); // What subscribers of this replica follow.
  const unseen = new Set<string>(); // Jobs whose accepted observation is being looked up.
  let [isRestoreDue, isDisposed] = [false, false];
  let cancelTimer = () => {};
  const scope: ScopeState<JobObserved> = options.watchState.join<JobObserved>(access.scope, {
    onAccepted: (accepted) => order.accept(accepted),
    onRole,
    onInterest: (topics) => remote.update(topics),
    onPollRequested: (jobId, cause) => getRegistry().requestPoll(jobId, cause),
    onEvents: readers.receive,
    onFailed: pollHere,
    onFollowing: readers.readHere,
    onGap,
    onReset,
  });
  const order = createJobOrder({ ...options, scope });
  const { known } = order;
  let role = scope.role;
  const remote = createRemoteInterest({ follow: followRemote, onFailed: (topic) => scope.reportFailure(topic) });
  const publisher = createLogPublisher(
    scope,
    (jobId) => remote.has(topicOf('events', jobId)) || remote.has(topicOf('progress', jobId)),
  );

  function followRemote(topic: Topic, onEnd: (error: Error) => void): () => void {
    const parts = partsOf(topic);
    if (parts && parts.kind !== 'job') {
      const stop = readers.follow(parts.kind, parts.jobId, onEnd);
      return () => {
        publisher.forget(parts.jobId);
        stop();
      };
    }
    const listener = { callers: [], isRemote: true, onChange() {}, onEnd };
    return (parts ? getRegistry().watch(parts.jobId, listener) : getRegistry().watchAll(listener)).stop;
  }

  function pollHere(topic: Topic): void {
    const parts = partsOf(topic);
    if (parts?.kind === 'job') getRegistry().pollHere(parts.jobId);
    else if (parts?.kind === 'events') readers.takePolls(parts.jobId);
    else if (topic === ALL_JOBS) getRegistry().scanHere();
  }

  function setOwn(topic: Topic, isFollowed: boolean): void {
    if (isFollowed) own.add(topic);
    else if (own.delete(topic) && own.size === 0) queueMicrotask(options.onNoInterest);
    scope.setInterest(topic, isFollowed);
  }

  function onRole(next: Role): void {
    const wasAlone = role === 'alone';
    role = next;
    const registry = getRegistry();
    if (next === 'alone') {
      registry.spreadPolls();
      for (const id of [...registry.jobs.keys()]) registry.startPolls(id);
    } else if (wasAlone) {
      if (isRestoreDue) restore();
      onGap();
    }
    registry.onDuty();
    readers.onDuty();
  }

  function onGap(): void {
    for (const [id, { isDetached }] of known.entries()) if (isDetached) getRegistry().pollHere(id);
    void compare([...getRegistry().jobs.keys()]);
    if (own.has(ALL_JOBS)) getRegistry().scanHere();
    readers.readHere();
  }

  /** Delivers the accepted observations that differ from the known ones. */
  async function compare(ids: readonly string[]): Promise<void> {
    try {
      const jobs = ids.map((jobId) => ({ jobId, revision: known.get(jobId)?.revision ?? null }));
      for (const accepted of await scope.compare(jobs)) order.accept(accepted);
    } catch {
      // Redis is away: it is done again when it is back.
    }
  }

  function onReset(): void {
    known.forgetBefore(store.nextSequence());
    isRestoreDue = true;
    if (scope.role === 'alone') return;
    restore();
    onGap();
  }

  function restore(): void {
    isRestoreDue = false;
    for (const [id, { revision, job, isDetached }] of known.entries()) {
      if (job === null || revision === null || isDetached) continue;
      scope.restore(id, revision, job, isTerminal(job)).catch(() => {}); // Its next change writes it.
    }
  }

  async function lookUp(): Promise<void> {
    const ids = [...unseen];
    unseen.clear();
    await compare(ids);
    if (!isDisposed && scope.role !== 'follows') for (const id of ids) getRegistry().startPolls(id);
  }

  function clean(count: number): void {
    cancelTimer = clock.after(CLEAN_MS, () => clean(count + 1));
    if (scope.role === 'follows') getRegistry().removeSettled();
    if (count % COMPARE_EVERY === 0) void compare([...getRegistry().jobs.keys()]);
  }
  if (options.watchState.isShared) cancelTimer = clock.after(CLEAN_MS, () => clean(1));

  const sharing: JobSharing = {
    get isOnDuty() {
      return scope.role !== 'follows';
    },
    get intervalFactor() {
      return scope.intervalFactor;
    },
    get firstPollDelayMs() {
      return scope.role === 'alone' ? 0 : FIRST_POLL_MS;
    },
    passOn: (jobId, cause) => scope.requestPoll(jobId, cause),
    firstObservation: (id) => (scope.role === 'alone' ? store.freshObservation(access, id) : undefined),
    onListeners(id) {
      const job = getRegistry().jobs.get(id);
      setOwn(topicOf('job', id), job !== undefined && hasOwn(job.listeners));
      if (scope.role === 'alone' || !job || job.observation || known.get(id) || unseen.has(id)) return;
      if (unseen.size === 0) queueMicrotask(() => void lookUp());
      unseen.add(id);
    },
    onAccountListeners: () => setOwn(ALL_JOBS, hasOwn(getRegistry().account.listeners)),
    onUnwatched(id) {
      setOwn(topicOf('job', id), false);
      known.delete(id);
      scope.forget(id);
    },
  };

  const logs: LogSharing = {
    get isOnDuty() {
      return sharing.isOnDuty;
    },
    get intervalFactor() {
      return scope.intervalFactor;
    },
    publish: publisher.publish,
    setInterest(kind: TopicKind, jobId, isFollowed) {
      setOwn(topicOf(kind, jobId), isFollowed);
      if (getRegistry().jobs.has(jobId)) sharing.onListeners(jobId);
    },
  };

  return {
    sharing,
    logs,
    get hasOwnInterest() {
      return own.size > 0;
    },
    observe: order.observe,
    dispose() {
      isDisposed = true;
      order.dispose();
      cancelTimer();
      remote.dispose();
      scope.leave();
    },
  };
}

/** Whether a subscriber of this replica is behind any of the listeners. */
function hasOwn(listeners: Iterable<WatchListener>): boolean {
  for (const { isRemote } of listeners) if (isRemote !== true) return true; // Mostly the first one.
  return false;
}
