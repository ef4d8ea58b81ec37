import { jobBody } from '../kit/bodies/job.ts';
import { serve, toBody } from './upstream.ts';

// An upstream with as many jobs as `JOBS` says, whose states change all at once when it is told so. A job's seed counts its
// changes, so that whoever gets it knows which one it is.

/** What the bench tells it. Answered with when each change so far was first looked at, of each job. */
export interface LiveOrders {
  /** The number of the change that happens now. */
  readonly change?: number;
}

/** By job and change: when the first answer went out that shows it, in milliseconds since the epoch. */
export type Looked = number[][];

const jobs = Array.from({ length: Number(process.env['JOBS']) }, (_, index) => `ftjob-${index}`);
const looked: Looked = jobs.map(() => []);
let change = 0;

serve(
  (target) => {
    const { pathname } = new URL(target, 'http://upstream');
    const id = pathname.replace('/fine_tuning/jobs', '').slice(1);
    if (id === '') return toBody({ object: 'list', data: jobs.map((_, index) => look(index)), has_more: false });
    const index = jobs.indexOf(id);
    return index < 0 ? null : toBody(look(index));
  },
  (message: LiveOrders) => {
    if (message.change === undefined) return undefined;
    change = message.change;
    return looked;
  },
);

function look(index: number) {
  const times = looked[index] ?? [];
  times[change] ??= Date.now();
  return jobBody({ id: `ftjob-${index}`, status: change % 2 === 0 ? 'running' : 'queued', seed: change });
}
