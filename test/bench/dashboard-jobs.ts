import { eventBody, stepBody } from '../kit/bodies/event.ts';
import { fileBody } from '../kit/bodies/file.ts';
import { jobBody } from '../kit/bodies/job.ts';
import { csvOf, toBase64 } from '../kit/bodies/results.ts';
import { RUNNING_JOBS } from '../kit/dashboard/live-day.ts';
import type { ScriptedUpstream } from '../kit/gateway/upstream.ts';

/** Number of jobs on the board, of which the newest run. */
export const JOBS = 1000;
/** Number of steps of the long curve. */
export const POINTS = 10_000;

const FIRST_SECOND = 1_760_000_000;

const idOf = (number: number) => `ftjob-${String(number).padStart(4, '0')}`;

/** The job with the long curve. */
export const curveJob = jobBody({
  id: 'ftjob-curve',
  created_at: FIRST_SECOND - JOBS,
  status: 'succeeded',
  finished_at: FIRST_SECOND,
  fine_tuned_model: 'ft:model',
  result_files: ['file-curve'],
});

/** Sets the jobs of the upstream, with two steps each, and the one with the long curve. */
export function scriptDashboardJobs(upstream: ScriptedUpstream): void {
  const jobs = Array.from({ length: JOBS - 1 }, (_, index) => {
    const number = index + 1;
    const isRunning = number <= RUNNING_JOBS;
    return jobBody({
      id: idOf(number),
      created_at: FIRST_SECOND - index,
      user_provided_suffix: `job-${number}`,
      ...(isRunning ? { status: 'running' } : { status: 'succeeded', finished_at: FIRST_SECOND + 600 }),
    });
  });
  for (const job of jobs) {
    upstream.onJob(job);
    upstream.onEvents(job.id, [stepBody(2, 8), stepBody(1, 8)]);
  }
  upstream.onJobs([...jobs, curveJob]);
  upstream.onJob(curveJob);
  upstream.onEvents(curveJob.id, [eventBody('ftevent-end')]);
  upstream.onCheckpoints(curveJob.id, []);
  upstream.onFile(fileBody('file-curve', { purpose: 'fine-tune-results', filename: 'step_metrics.csv' }));
  const rows = Array.from({ length: POINTS }, (_, index) => [
    index + 1,
    (2 / Math.sqrt(index + 1)).toFixed(5),
    0.5,
    '',
  ]);
  upstream.onContent('file-curve', toBase64(csvOf('step,train_loss,train_accuracy,valid_loss', rows)));
}
