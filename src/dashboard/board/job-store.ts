import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { after, currentMs } from '../data/clock.ts';
import { query } from '../data/graphql-client.ts';
import { ownError, type RequestError } from '../data/request-error.ts';
import { onResume } from '../live/resume.ts';
import { subscribe } from '../live/subscription.ts';
import {
  type BoardJobFragment,
  BoardJobs,
  BoardProgressChanges,
  type BoardProgressChangesSubscription,
  BoardStatusChanges,
  OneBoardJob,
} from '../operations/generated.ts';
import { missingIds } from './missing-jobs.ts';

export type Progress = BoardProgressChangesSubscription['anyFineTuningJobProgressChanged']['progress'];

const PAGE_SIZE = 100;
/** Changes within this time are rendered together: a subscription starts with a snapshot of each running job. */
const RENDER_DELAY_MS = 50;
/** Time between two reads of the newest page, which show that a job was deleted: no subscription tells it. */
const CHECK_INTERVAL_MS = 300_000;
/** The same while jobs change. */
const CHECK_AFTER_CHANGE_MS = 30_000;
/** Time in which the snapshots of a subscription follow the first one. */
const SNAPSHOTS_MS = 3_000;
/** Time for the first snapshot; there is none without an unfinished job. */
const FIRST_SNAPSHOT_MS = 15_000;
/** A page from a cache can lack a job that is newer. */
const NEW_MS = 30_000;

const byId = new Map<string, BoardJobFragment>();
const version = signal(0);
const pagesRead = signal(0);
const isReading = signal(false);
const hasMore = signal(false);
const failure = signal<RequestError | null>(null);
const progresses = new Map<string, Signal<Progress>>();
/** Jobs whose state is from the present subscription, which also tells each change: a page of the list can be older. */
const liveIds = new Set<string>();
/** When jobs were first seen by a subscription. */
const newAt = new Map<string, number>();

let cursor: string | null = null;
let reading = new AbortController();
let isRenderDue = false;

/** The jobs that are read so far, and new ones; null until the first page is read. */
export const jobs: ReadonlySignal<readonly BoardJobFragment[] | null> = computed(() => {
  version.value;
  return pagesRead.value === 0 ? null : [...byId.values()];
});

/** Whether a job is on the board. */
export const hasJob = (jobId: string): boolean => version.value >= 0 && byId.has(jobId);

/** Whether the upstream has older jobs than those that are read. */
export const hasMoreJobs: ReadonlySignal<boolean> = hasMore;

export const isReadingJobs: ReadonlySignal<boolean> = isReading;

/** Why the jobs could not be read; null without a failure. */
export const jobsError: ReadonlySignal<RequestError | null> = failure;

/** The newest known progress of a job. */
export function progressOf(jobId: string): Signal<Progress> {
  let progress = progresses.get(jobId);
  if (progress === undefined) {
    progress = signal<Progress>(null);
    progresses.set(jobId, progress);
  }
  return progress;
}

/** Reads all pages again that were read before. */
export const reloadJobs = (): Promise<void> => readPages(null, Math.max(1, pagesRead.value));

/** Reads the next page, unless one is being read. */
export async function readMoreJobs(): Promise<void> {
  if (!isReading.value && hasMore.value) await readPages(cursor, 1);
}

async function readPages(start: string | null, count: number): Promise<void> {
  reading.abort();
  reading = new AbortController();
  const { signal } = reading;
  isReading.value = true;
  failure.value = null;
  const listed: (BoardJobFragment | null)[] = [];
  let from = start;
  const hadAll = start === null && pagesRead.value > 0 && !hasMore.value;
  const hadListed = new Set([...byId.keys()].filter((id) => !newAt.has(id)));
  /** Whether older jobs than those that are listed now were read before. */
  const hasReachedOld = () => hadAll && listed.some((job) => job !== null && hadListed.has(job.id));
  for (let page = 1; page <= count || (hadAll && !hasReachedOld()); page++) {
    const answer = await query(BoardJobs, { first: PAGE_SIZE, after: from }, signal);
    if (signal.aborted) return;
    const list = answer.ok ? answer.data.fineTuningJobs : null;
    if (list === null) {
      failure.value =
        (answer.ok ? answer.errors[0] : answer.error) ?? ownError('INTERNAL', 'The list of jobs is null.');
      break;
    }
    listed.push(...list.nodes);
    merge(list.nodes);
    from = list.pageInfo.endCursor;
    cursor = from;
    hasMore.value = list.pageInfo.hasNextPage && !hasReachedOld();
    if (start === null) removeMissing(listed, !list.pageInfo.hasNextPage);
    pagesRead.value = start === null ? Math.max(page, pagesRead.value) : pagesRead.value + 1;
    version.value++;
    if (!list.pageInfo.hasNextPage) break;
  }
  isReading.value = false;
}

/** Reads the unfinished jobs of which no snapshot tells: they have ended before the subscription, or are very old. */
async function readUntold(onChange: () => void): Promise<void> {
  const { signal } = reading;
  for (const { id, status, isTerminal } of [...byId.values()]) {
    if (isTerminal || liveIds.has(id)) continue;
    const answer = await query(OneBoardJob, { id }, signal);
    if (signal.aborted) return;
    if (!answer.ok || answer.errors.length > 0) continue;
    const job = answer.data.fineTuningJob;
    if (job === null) byId.delete(id);
    else merge([job]);
    if (job?.status !== status) onChange();
    version.value++;
  }
}

/** Reads the newest page without a sign of it: jobs that it lacks are removed. Resolves to whether no further read is needed. */
async function checkNewest(): Promise<boolean> {
  if (isReading.value || document.hidden) return false;
  const { signal } = reading;
  const answer = await query(BoardJobs, { first: PAGE_SIZE, after: null }, signal);
  if (signal.aborted) return true;
  if (!answer.ok || answer.data.fineTuningJobs === null) return false;
  const { nodes, pageInfo } = answer.data.fineTuningJobs;
  merge(nodes);
  removeMissing(nodes, !pageInfo.hasNextPage);
  version.value++;
  return true;
}

function merge(listed: readonly (BoardJobFragment | null)[]): void {
  for (const job of listed) {
    if (job === null) continue;
    newAt.delete(job.id);
    if (!liveIds.has(job.id)) byId.set(job.id, job);
  }
}

function removeMissing(listed: readonly (BoardJobFragment | null)[], isWhole: boolean): void {
  for (const id of missingIds(byId.values(), listed, isWhole)) {
    if (currentMs() - (newAt.get(id) ?? 0) >= NEW_MS) byId.delete(id);
  }
}

function showIfFinal(error: RequestError, isFinal: boolean): void {
  if (isFinal) failure.value = error;
}

/** Reads the newest jobs and follows all changes. Returns a function that ends it. */
export function followJobs(): () => void {
  let cancelCheck = () => {};
  let cancelChangeCheck: (() => void) | null = null;
  let cancelUntold = () => {};
  const readUntoldIn = (ms: number) => {
    cancelUntold();
    cancelUntold = after(ms, () => readUntold(checkAfterChange));
  };
  const checkRegularly = () => {
    cancelCheck = atNextMultiple(CHECK_INTERVAL_MS, () => {
      void checkNewest();
      checkRegularly();
    });
  };
  const checkAfterChange = () => {
    cancelChangeCheck ??= atNextMultiple(CHECK_AFTER_CHANGE_MS, async () => {
      cancelChangeCheck = null;
      if (!(await checkNewest())) checkAfterChange();
    });
  };
  checkRegularly();
  const ends = [
    () => cancelCheck(),
    () => cancelChangeCheck?.(),
    () => cancelUntold(),
    onResume(reloadJobs),
    subscribe(BoardStatusChanges, () => ({}), {
      started() {
        liveIds.clear();
        readUntoldIn(FIRST_SNAPSHOT_MS);
      },
      next: ({ anyFineTuningJobStatusChanged: { job } }) => {
        if (liveIds.size === 0) readUntoldIn(SNAPSHOTS_MS);
        if (pagesRead.value > 0 && byId.get(job.id)?.status !== job.status) checkAfterChange();
        put(job);
      },
      failed: showIfFinal,
    }),
    subscribe(BoardProgressChanges, () => ({}), {
      next: ({ anyFineTuningJobProgressChanged: { job, progress } }) => {
        progressOf(job.id).value = progress;
      },
      failed: showIfFinal,
    }),
    () => reading.abort(),
    () => liveIds.clear(),
  ];
  void reloadJobs();
  return () => {
    for (const end of ends) end();
  };
}

/** Calls back when the time is a multiple of `intervalMs`: all pages read the list then, and the gateway reads it once. */
const atNextMultiple = (intervalMs: number, callback: () => void) =>
  after(intervalMs - (currentMs() % intervalMs), callback);

function put(job: BoardJobFragment): void {
  if (!byId.has(job.id)) newAt.set(job.id, currentMs());
  byId.set(job.id, job);
  liveIds.add(job.id);
  if (isRenderDue) return;
  isRenderDue = true;
  after(RENDER_DELAY_MS, () => {
    isRenderDue = false;
    version.value++;
  });
}
