import { signal } from '@preact/signals';
import type { RequestError } from '../data/request-error.ts';
import { type ComparedJob, createComparedJob } from './compared-job.ts';
import type { Compared } from './differences.ts';

/** The jobs that are read so far, by id. */
export const comparedJobs = signal<ReadonlyMap<string, Compared>>(new Map());

/** Why jobs or their curves could not be read, by id. */
export const compareErrors = signal<ReadonlyMap<string, RequestError>>(new Map());

/** Jobs that have ended and are read with their curves. */
const finalIds = new Set<string>();

let followed: ReadonlyMap<string, ComparedJob> = new Map();

/** Reads these jobs one after another, and follows those that have not ended. Returns a function that ends it. */
export function followComparison(jobIds: readonly string[]): () => void {
  const jobs = new Map<string, ComparedJob>();
  let isEnded = false;
  followed = jobs;
  compareErrors.value = new Map();
  comparedJobs.value = new Map([...comparedJobs.value].filter(([id]) => jobIds.includes(id)));
  const open = async () => {
    for (const id of jobIds) {
      if (isEnded) return;
      if (comparedJobs.value.has(id) && finalIds.has(id)) continue;
      const job = createComparedJob(id, {
        onChange(compared) {
          comparedJobs.value = withEntry(comparedJobs.peek(), id, compared);
        },
        onError(error) {
          compareErrors.value = withEntry(compareErrors.peek(), id, error);
        },
        onFinal: () => finalIds.add(id),
      });
      jobs.set(id, job);
      await job.load();
    }
  };
  void open();
  return () => {
    isEnded = true;
    for (const job of jobs.values()) job.dispose();
  };
}

/** Reads the jobs with these ids again. */
export function retryJobs(jobIds: readonly string[]): void {
  for (const id of jobIds) void followed.get(id)?.load();
}

/** A copy with another value of a key, which null removes. The same map when that changes nothing. */
function withEntry<Value>(entries: ReadonlyMap<string, Value>, key: string, value: Value | null) {
  if ((entries.get(key) ?? null) === value) return entries;
  const changed = new Map(entries);
  if (value === null) changed.delete(key);
  else changed.set(key, value);
  return changed;
}
