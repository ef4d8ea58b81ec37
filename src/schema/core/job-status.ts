import type { Job } from '../../upstream/resources/job.ts';
import { openEnum } from './open-enum.ts';

/** Azure's and older spellings map to the same value (docs/upstream.md: Other servers). */
export const jobStatus = openEnum('FineTuningJobStatus', {
  description:
    'The status of a fine-tuning job. A terminal status does not change any more. To test whether a job has ended, read `isTerminal` of the job: it is also correct for statuses that are UNKNOWN here.',
  values: {
    VALIDATING_FILES: {
      description: 'The upstream validates the files of the job. On OpenAI the first status of a job.',
    },
    QUEUED: {
      description: 'The job waits until the upstream starts or resumes it.',
      raw: ['queued', 'pending', 'notRunning', 'not_running', 'created'],
    },
    RUNNING: { description: 'The job is training.' },
    PAUSING: { description: 'A pause was requested; the job saves its state as a checkpoint.' },
    PAUSED: { description: 'The job is paused and can be resumed or cancelled.' },
    RESUMING: { description: 'A resume was requested; the job restores its state from its checkpoint.' },
    CANCELLING: { description: 'A cancellation was requested; the job is stopping.', raw: ['cancelling', 'canceling'] },
    SUCCEEDED: { description: 'The job created its model: see `fineTunedModelId`. Terminal.' },
    FAILED: { description: 'The job created no model; `error` of the job has the reason. Terminal.' },
    CANCELLED: {
      description: 'The job was cancelled and created no model. It cannot be resumed. Terminal.',
      raw: ['cancelled', 'canceled'],
    },
  },
});

/** Identifies the state of a job: spellings of one status are equal, two unknown statuses are not. */
export function stateOf({ status }: Job): string {
  const name = jobStatus.read(status);
  return name === 'UNKNOWN' ? `UNKNOWN ${status}` : name;
}
