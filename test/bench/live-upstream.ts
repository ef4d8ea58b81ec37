import { jobBody } from '../kit/bodies/job.ts';
import { serve, toBody } from './upstream.ts';

// An upstream with `JOBS` jobs, whose statuses all change on command. A job's seed is the number of its last change.

/** A message of the bench. The reply is when each change was first read, for each job. */
export interface LiveCommand {
  /** Number of the change that happens now. */
  readonly change?: number;
}

/** By job and change: time of the first response with it, in milliseconds since the epoch. */
export type ReadTimes = number[][];

const jobs = Array.from({ length: Number(process.env['JOBS']) }, (_, index) => `ftjob-${index}`);
const readTimes: ReadTimes = jobs.map(() => []);
let change = 0;

serve(
  (target) => {
    const { pathname } = new URL(target, 'http://upstream');
    const id = pathname.replace('/fine_tuning/jobs', '').slice(1);
    if (id === '') return toBody({ object: 'list', data: jobs.map((_, index) => readJob(index)), has_more: false });
    const index = jobs.indexOf(id);
    return index < 0 ? null : toBody(readJob(index));
  },
  (message: LiveCommand) => {
    if (message.change === undefined) return undefined;
    change = message.change;
    return readTimes;
  },
);

function readJob(index: number) {
  const times = readTimes[index] ?? [];
  times[change] ??= Date.now();
  return jobBody({ id: `ftjob-${index}`, status: change % 2 === 0 ? 'running' : 'queued', seed: change });
}
