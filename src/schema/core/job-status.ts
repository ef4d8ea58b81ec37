import type { Job } from '../../upstream/resources/job.ts';
import { openEnum } from './open-enum.ts';

/** Azure's and older spellings map to the same value (docs/upstream.md: Other servers). */
export const jobStatus = openEnum('FineTuningJobStatus', {
  description:
    'The status of a fine-tuning job. To test whether a job has ended, use `isTerminal`: it also covers statuses that are UNKNOWN here.',
  values: {
    VALIDATING_FILES: { description: 'The upstream validates the files of the job. The first status of a job.' },
    QUEUED: {
      description: 'The job waits until the upstream starts it.',
      raw: ['queued', 'pending', 'notRunning', 'not_running', 'created'],
    },
    RUNNING: { description: 'The job is training.' },
    PAUSING: { description: 'A pause was requested; the job saves its state.' },
    PAUSED: { description: 'The job is paused and can be resumed.' },
    RESUMING: { description: 'A resume was requested; the job restores its state.' },
    CANCELLING: { description: 'A cancellation was requested.', raw: ['cancelling', 'canceling'] },
    SUCCEEDED: { description: 'The job created its model. Terminal.' },
    FAILED: { description: 'The job created no model; `error` has the reason. Terminal.' },
    CANCELLED: { description: 'The job was cancelled. Terminal.', raw: ['cancelled', 'canceled'] },
  },
});

/** Identifies the state of a job: spellings of one status are equal, two unknown statuses are not. */
export function stateOf({ status }: Job): string {
  const name = jobStatus.read(status);
  return name === 'UNKNOWN' ? `UNKNOWN ${status}` : name;
}
