import { computed, effect, signal } from '@preact/signals';
import { createCurveStore } from '../chart/curve-store.ts';
import { FIRST_POINTS } from '../chart/points-request.ts';
import { query } from '../data/graphql-client.ts';
import { ownError, type RequestError } from '../data/request-error.ts';
import { createSequence } from '../data/sequence.ts';
import { onResume } from '../live/resume.ts';
import { subscribe } from '../live/subscription.ts';
import { type ComparedJobFragment, ComparedStatusChanges, CompareJob } from '../operations/generated.ts';
import type { Compared } from './differences.ts';

/** The subscription has no files. */
const NO_FILES = { trainingFile: null, validationFile: null };

interface Listener {
  /** Receives the job whenever it or its curve has changed; null when it does not exist, or was deleted. */
  onChange(compared: Compared | null): void;
  /** Receives why the job or its curve could not be read; null after a success. */
  onError(error: RequestError | null): void;
  /** Called when the job has ended and is read with its curve: nothing changes any more. */
  onFinal(): void;
}

/** A compared job, which is followed until it ends. */
export interface ComparedJob {
  /** Resolves when the job and its curve are read, or when that has failed. */
  load(): Promise<void>;
  dispose(): void;
}

export function createComparedJob(jobId: string, { onChange, onError, onFinal }: Listener): ComparedJob {
  const job = signal<Compared['job'] | null>(null);
  const jobError = signal<RequestError | null>(null);
  const curve = createCurveStore(jobId, FIRST_POINTS);
  const error = computed(() => jobError.value ?? curve.error.value);
  const aborter = new AbortController();
  const startRequest = createSequence();
  let endFollowing: (() => void) | null = null;
  /** The state that the present subscription has delivered: a query can return an older one. */
  let live: ComparedJobFragment | null = null;

  const ends = [
    effect(() => {
      if (job.value !== null) onChange({ job: job.value, points: curve.curve.value?.points ?? [] });
    }),
    effect(() => onError(error.value)),
  ];

  async function load(): Promise<void> {
    const isNewest = startRequest();
    const [answer] = await Promise.all([query(CompareJob, { jobId }, aborter.signal), curve.load()]);
    if (aborter.signal.aborted || !isNewest()) return;
    const found = answer.ok ? answer.data.fineTuningJob : null;
    const failure = answer.ok ? answer.errors[0] : answer.error;
    if (found === null) return failure === undefined || failure.code === 'NOT_FOUND' ? miss() : fail(failure);
    jobError.value = null;
    job.value = found.isTerminal ? found : { ...found, ...live };
    if (!found.isTerminal) return follow();
    if (error.peek() !== null) return;
    stopFollowing();
    onFinal();
  }

  function follow(): void {
    if (endFollowing !== null) return;
    const endStatus = subscribe(ComparedStatusChanges, () => ({ jobId }), {
      started() {
        live = null;
      },
      next({ fineTuningJobStatusChanged }) {
        live = fineTuningJobStatusChanged.job;
        job.value = { ...(job.peek() ?? NO_FILES), ...live };
        jobError.value = null;
      },
      failed(failure, isFinal) {
        if (failure.code === 'NOT_FOUND') return miss();
        if (!isFinal) return;
        stopFollowing(); // The next load follows again.
        fail(failure);
      },
      completed() {
        if (job.peek() !== null) void load(); // It has values that came with the end.
      },
    });
    const endResume = onResume(load);
    endFollowing = () => {
      endStatus();
      endResume();
    };
    curve.follow();
  }

  function stopFollowing(): void {
    endFollowing?.();
    endFollowing = null;
  }

  function fail(failure: RequestError): void {
    jobError.value = failure;
  }

  /** The job does not exist: it is requested no more. */
  function miss(): void {
    job.value = null;
    fail(ownError('NOT_FOUND', `The job ${jobId} does not exist.`));
    onChange(null);
    dispose();
  }

  function dispose(): void {
    aborter.abort();
    stopFollowing();
    curve.dispose();
    for (const end of ends) end();
  }

  return { load, dispose };
}
