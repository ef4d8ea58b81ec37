import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { after, currentMs } from '../data/clock.ts';
import { query } from '../data/graphql-client.ts';
import { canPass, ownError } from '../data/request-error.ts';
import { BoardCurve, type BoardJobFragment, type FineTuningJobStatus } from '../operations/generated.ts';
import { type Curve, curveFrom } from './curve.ts';
import { progressOf } from './job-store.ts';

interface Entry {
  readonly curve: Signal<Curve | null>;
  /** The step of the job when its curve was requested; undefined before, and after a failure. */
  step: number | null | undefined;
  /** The time in milliseconds before which it is not requested again. */
  notBeforeMs: number;
  /** Failed requests since the last success. */
  failures: number;
  /** Whether the curve was read after the job had ended, or can never be read. */
  isFinal: boolean;
}

const MAX_POINTS = 48;
const MAX_REQUESTS = 2;
/** Minimum time between two requests for the curve of a job. */
const REFRESH_MS = 15_000;
/** Maximum time between two requests that fail. */
const MAX_BACKOFF_MS = 300_000;
/** How often the page looks for curves that can be newer. */
const LOOK_MS = 3000;
/** Rows that the user scrolls past within this time are not requested. */
const SETTLE_MS = 150;

const NOT_STARTED: readonly FineTuningJobStatus[] = ['VALIDATING_FILES', 'QUEUED'];

const entries = new Map<string, Entry>();
let visible: readonly BoardJobFragment[] = [];
let cancelStart = () => {};
let requests = 0;

/** The curve of a job; null without values. Read for visible jobs only. */
export const curveOf = (jobId: string): ReadonlySignal<Curve | null> => entryOf(jobId).curve;

/** Reads the curves of these jobs, when they are missing or outdated. */
export function showCurves(jobs: readonly BoardJobFragment[]): void {
  visible = jobs;
  cancelStart();
  cancelStart = jobs.length === 0 ? () => {} : after(SETTLE_MS, readCurves);
}

function entryOf(jobId: string): Entry {
  let entry = entries.get(jobId);
  if (entry === undefined) {
    entry = { curve: signal(null), step: undefined, notBeforeMs: 0, failures: 0, isFinal: false };
    entries.set(jobId, entry);
  }
  return entry;
}

/** Starts requests up to their maximum. Looks again later, because curves grow. */
function readCurves(): void {
  cancelStart();
  const started = visible.filter(({ id, status }) => !NOT_STARTED.includes(status) && !entryOf(id).isFinal);
  while (requests < MAX_REQUESTS && !document.hidden) {
    const next = started.find(isDue);
    if (next === undefined) break;
    void readCurve(next);
  }
  cancelStart = started.length > 0 ? after(LOOK_MS, readCurves) : () => {};
}

function isDue({ id, isTerminal }: BoardJobFragment): boolean {
  const { isFinal, notBeforeMs, step } = entryOf(id);
  if (isFinal || currentMs() < notBeforeMs) return false;
  return isTerminal || step === undefined || step !== stepOf(id);
}

const stepOf = (jobId: string): number | null => progressOf(jobId).peek()?.step ?? null;

async function readCurve({ id, isTerminal, method }: BoardJobFragment): Promise<void> {
  const entry = entryOf(id);
  const step = stepOf(id);
  entry.notBeforeMs = currentMs() + REFRESH_MS;
  requests++;
  const answer = await query(BoardCurve, { id, maxPoints: MAX_POINTS });
  requests--;
  const metrics = answer.ok ? answer.data.fineTuningJob?.metrics : null;
  if (metrics) {
    entry.step = step;
    entry.failures = 0;
    entry.isFinal = isTerminal;
    entry.curve.value = curveFrom(metrics.points, method?.type === 'REINFORCEMENT');
  } else {
    const failure = answer.ok ? answer.errors[0] : answer.error;
    entry.step = undefined;
    entry.notBeforeMs = currentMs() + Math.min(REFRESH_MS * 2 ** ++entry.failures, MAX_BACKOFF_MS);
    entry.isFinal = !canPass(failure ?? ownError('NOT_FOUND', `The job ${id} does not exist.`));
  }
  if (visible.length > 0) readCurves();
}
