import type { JobError } from '../../upstream/resources/job-parts.ts';
import { DELETED_TRAINING_FILE } from '../simulation/intervention.ts';
import type { JobStatus } from '../simulation/lifecycle.ts';

interface StatusPath {
  /** The statuses after `validating_files`; the job stays in the last. */
  readonly path: readonly JobStatus[];
  readonly error?: JobError;
}

// The messages are real ones (docs/upstream.md: Errors) but for the number of the example: the file has to have one there. All of them come from validation: none of a failed training is known.
const FAILURES = {
  deleted_training_file: {
    path: ['failed'],
    error: DELETED_TRAINING_FILE,
  },
  invalid_training_file: {
    path: ['failed'],
    error: {
      code: 'invalid_training_file',
      message:
        'The job failed due to an invalid training file. Unexpected file format, expected either prompt/completion pairs or chat messages.',
      param: 'training_file',
    },
  },
  invalid_file_format: {
    path: ['failed'],
    error: {
      code: 'invalid_file_format',
      message:
        'The job failed due to a file format error in the training file. Invalid file format. Example 17 message contains an invalid token: <|fim_suffix|>.',
      param: 'training_file',
    },
  },
} as const satisfies Record<string, StatusPath>;

export type Failure = keyof typeof FAILURES;
export const failures: readonly Failure[] = ['deleted_training_file', 'invalid_training_file', 'invalid_file_format'];

/** What becomes of a job: where it ends, where it stays for good, or the code of the error that it fails with. */
export type JobOutcome = Failure | 'cancelled_in_queue' | 'succeeded_file_deleted' | Exclude<JobStatus, 'failed'>;

export const STATUS_PATHS: Record<JobOutcome, StatusPath> = {
  ...FAILURES,
  succeeded: { path: ['queued', 'running', 'succeeded'] },
  succeeded_file_deleted: { path: ['queued', 'running', 'succeeded'] },
  cancelled: { path: ['queued', 'running', 'cancelled'] },
  cancelling: { path: ['queued', 'running', 'cancelling'] },
  cancelled_in_queue: { path: ['queued', 'cancelled'] },
  validating_files: { path: [] },
  queued: { path: ['queued'] },
  running: { path: ['queued', 'running'] },
  pausing: { path: ['queued', 'running', 'pausing'] },
  paused: { path: ['queued', 'running', 'pausing', 'paused'] },
  resuming: { path: ['queued', 'running', 'pausing', 'paused', 'resuming'] },
};

export const isFailure = (outcome: JobOutcome): outcome is Failure => outcome in FAILURES;
