import type { Clock } from '../../clock.ts';
import type { JobSight } from '../../store/cache/freshness.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobSighting, JobStore } from '../../store/resources/job.ts';
import { isTerminal } from '../../upstream/resources/job.ts';
import { type Account, createAccount } from './account-watch.ts';
import { nextLookAfterFailureIn, nextLookIn } from './cadence.ts';
import { changeOf, createSnapshots, type JobChange, type StateOf } from './change.ts';
import { isFinal, NoSuchJob, retryAfterOf, toError } from './watch-errors.ts';
import type { Follower, WatchedJob } from './watched-job.ts';

/** A look that somebody waits for does not follow another sooner than this, in milliseconds. */
const MIN_GAP_MS = 250;

export interface BoardOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  stateOf: StateOf;
  pollIntervalMs: number;
  /** Called when a look may be due sooner than before, or nobody watches any more. */
  onPlan: () => void;
}

/** Which jobs of one scope are watched, by whom, what was seen of them last, and when to look again. */
export interface Board {
  readonly jobs: ReadonlyMap<string, WatchedJob>;
  readonly account: Account;
  /** Tells of a job's changes from now on; `current` is what is known of it already. */
  follow(id: string, follower: Follower): { current: JobChange | null; leave: () => void };
  /** Tells of the changes of all jobs from now on; `current` is the state of those that move. */
  followAll(follower: Follower): { current: readonly JobChange[]; leave: () => void };
  /** Takes note of a sight of any job. */
  see(sighting: JobSighting): void;
  /** Makes a look necessary that begins from now on. */
  want(id: string): void;
  /** Takes note that a look at a job has failed: it is tried later, or its followers are told. */
  fail(job: WatchedJob, error: unknown): void;
  /** Takes note that the account's jobs were looked at, down to the oldest that moves. */
  scanned(): void;
  /** Ends everything: the upstream does not answer this credential. */
  endAll(error: Error): void;
}

export function createBoard({ access, jobs: store, clock, stateOf, pollIntervalMs, onPlan }: BoardOptions): Board {
  const jobs = new Map<string, WatchedJob>();
  const snapshotOf = createSnapshots();
  const account = createAccount();

  function watch(id: string, seen = store.freshSight(access, id)): WatchedJob {
    const release = store.hold(access, id, seen);
    const job: WatchedJob = {
      id,
      followers: new Set(),
      isOfAccount: false,
      sight: seen?.value ? seen : undefined, // That there is none is asked again.
      place: undefined,
      changedAt: clock.now(),
      dueAt: clock.now(),
      lookedAt: Number.NEGATIVE_INFINITY,
      wanted: null,
      isUnderWay: false,
      failures: 0,
      release,
    };
    jobs.set(id, job);
    if (job.sight) plan(job);
    return job;
  }

  function letGo(job: WatchedJob) {
    if (job.followers.size > 0 || job.isOfAccount || jobs.get(job.id) !== job) return;
    jobs.delete(job.id);
    job.release();
    onPlan();
  }

  function plan(job: WatchedJob) {
    const { sight, changedAt, lookedAt, wanted } = job;
    const now = clock.now();
    if (wanted) job.dueAt = Math.max(now, lookedAt + Math.min(MIN_GAP_MS, pollIntervalMs));
    else if (!sight?.value) job.dueAt = now;
    else if (isTerminal(sight.value)) job.dueAt = Number.POSITIVE_INFINITY;
    else job.dueAt = now + nextLookIn(stateOf(sight.value), now - changedAt, pollIntervalMs);
  }

  function end(job: WatchedJob, error: Error) {
    job.isOfAccount = false;
    for (const follower of [...job.followers]) follower.end(error);
    job.followers.clear();
    letGo(job);
  }

  function show(job: WatchedJob, sight: JobSight, change: JobChange | null) {
    const isFirst = job.sight === undefined;
    job.sight = sight;
    job.failures = 0;
    if (sight.value === null) return end(job, new NoSuchJob(!isFirst));
    if (change) job.changedAt = clock.now();
    plan(job);
    const news = isFirst ? snapshotOf(sight) : change;
    if (news) for (const follower of [...job.followers]) follower.tell(news);
  }

  /** What those who follow all are told of a sight. Such a job is watched from then on. */
  function showToAll(sight: JobSight, change: JobChange | null) {
    const { value: job } = sight;
    if (job === null || account.followers.size === 0) return;
    const isNew = account.isNew(job);
    const isFound = !isTerminal(job) && jobs.get(job.id)?.isOfAccount !== true;
    const isNews = change !== null && (change.previous !== null || isNew);
    const news = isNews ? change : isFound ? snapshotOf(sight) : null;
    if (!news) return;
    // One that has ended too, for a while: what was asked before may come late, and would show it moving.
    const watched = jobs.get(job.id) ?? watch(job.id, sight);
    watched.isOfAccount = true;
    if (!account.isScanned) return;
    account.changed(clock.now());
    for (const follower of [...account.followers]) follower.tell(news);
  }

  function want(job: WatchedJob, cause: 'webhook' | 'poll') {
    if (job.wanted !== 'webhook') job.wanted = cause;
    plan(job);
    onPlan();
  }

  const moving = () =>
    [...jobs.values()].flatMap(({ isOfAccount, sight }) => {
      const isMoving = isOfAccount && sight?.value && !isTerminal(sight.value);
      return isMoving ? (snapshotOf(sight) ?? []) : [];
    });

  function leaveAccount(job: WatchedJob) {
    job.isOfAccount = false;
    letGo(job);
  }

  return {
    jobs,
    account,
    follow(id, follower) {
      const job = jobs.get(id) ?? watch(id);
      job.followers.add(follower);
      onPlan();
      const leave = () => {
        if (job.followers.delete(follower)) letGo(job);
      };
      return { current: job.sight ? snapshotOf(job.sight) : null, leave };
    },
    followAll(follower) {
      if (account.followers.size === 0) account.begin(clock.now());
      account.followers.add(follower);
      onPlan();
      const leave = () => {
        if (!account.followers.delete(follower) || account.followers.size > 0) return;
        for (const job of [...jobs.values()]) leaveAccount(job);
        onPlan();
      };
      return { current: account.isScanned ? moving() : [], leave };
    },
    see(sighting) {
      const { id, kept, sight, next } = sighting;
      const job = jobs.get(id);
      const isDoubted = sight === kept && next.value && sight.value && stateOf(next.value) !== stateOf(sight.value);
      const change = changeOf(sighting, stateOf);
      if (job && isDoubted) want(job, 'poll');
      if (job && sight !== kept) show(job, sight, change);
      showToAll(sight, change);
    },
    want(id) {
      const job = jobs.get(id);
      if (job) return want(job, 'webhook');
      if (account.followers.size === 0) return;
      account.lookAt(clock.now()); // It may be a new one.
      onPlan();
    },
    fail(job, error) {
      job.failures++;
      if (isFinal(error) || job.sight === undefined) return end(job, toError(error));
      const waitMs = nextLookAfterFailureIn(job.failures, pollIntervalMs, Math.random(), retryAfterOf(error));
      job.dueAt = clock.now() + waitMs;
    },
    scanned() {
      const isFirst = !account.isScanned;
      account.scanned(clock.now(), pollIntervalMs);
      const quiet = [...jobs.values()].filter(
        ({ id, isOfAccount }) => isOfAccount && store.end(access, id).quietAt <= clock.now(),
      );
      for (const job of quiet) leaveAccount(job);
      if (!isFirst) return;
      for (const change of moving()) for (const follower of [...account.followers]) follower.tell(change);
    },
    endAll(error) {
      account.end(error);
      for (const job of [...jobs.values()]) end(job, error);
      onPlan();
    },
  };
}
