import type { Job } from '../../upstream/resources/job.ts';
import { openEnum } from './open-enum.ts';

/** Azure's and older spellings are read as what they mean (docs/upstream.md: Other servers). */
export const jobStatus = openEnum('FineTuningJobStatus', {
  description:
    'Where a job stands. `isTerminal` of the job says whether it has come to its end, also for a status that is UNKNOWN here.',
  values: {
    VALIDATING_FILES: { description: 'Its files are being checked, which is the first thing that happens.' },
    QUEUED: {
      description: 'It waits for its turn.',
      raw: ['queued', 'pending', 'notRunning', 'not_running', 'created'],
    },
    RUNNING: { description: 'It is being trained.' },
    PAUSING: { description: 'It is asked to pause and saves its state.' },
    PAUSED: { description: 'It rests and can be resumed.' },
    RESUMING: { description: 'It is asked to go on and restores its state.' },
    CANCELLING: { description: 'It is asked to stop.', raw: ['cancelling', 'canceling'] },
    SUCCEEDED: { description: 'It has made a model. Terminal.' },
    FAILED: { description: 'It could not make a model; `error` says why. Terminal.' },
    CANCELLED: { description: 'It was stopped. Terminal.', raw: ['cancelled', 'canceled'] },
  },
});

/** What counts as the same state of a job: spellings of one status do, statuses that nobody knows do not. */
export function stateOf({ status }: Job): string {
  const name = jobStatus.read(status);
  return name === 'UNKNOWN' ? `UNKNOWN ${status}` : name;
}
