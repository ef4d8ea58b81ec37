import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { query } from '../data/graphql-client.ts';
import type { RequestError } from '../data/request-error.ts';
import { session } from '../data/session.ts';
import { JobEstimate, type JobEstimateQuery } from '../operations/generated.ts';

export type Estimate = NonNullable<JobEstimateQuery['fineTuningJob']>;

export interface EstimateStore {
  /** Null until it is loaded, and for callers whose role may not read it. */
  readonly estimate: ReadonlySignal<Estimate | null>;
  /** Why it could not be read. */
  readonly error: ReadonlySignal<RequestError | null>;
  /** Loads it when the role of the caller is known and may read it. Returns a function that ends it. */
  start(): () => void;
}

/** The estimate of a job's tokens and cost. It reads the training file, so the rest of the page does not wait for it. */
export function createEstimateStore(jobId: string): EstimateStore {
  const estimate = signal<Estimate | null>(null);
  const error = signal<RequestError | null>(null);
  const aborter = new AbortController();

  async function load(): Promise<void> {
    const answer = await query(JobEstimate, { jobId }, aborter.signal);
    if (aborter.signal.aborted) return;
    const failure = answer.ok ? answer.errors[0] : answer.error;
    error.value = failure === undefined || failure.code === 'NOT_FOUND' ? null : failure;
    if (answer.ok) estimate.value = answer.data.fineTuningJob;
  }

  function start(): () => void {
    const end = effect(() => {
      const role = session.value?.viewer.role;
      if (role === undefined || role === 'VIEWER') estimate.value = null;
      else void load();
    });
    return () => {
      end();
      aborter.abort();
    };
  }

  return { estimate, error, start };
}
