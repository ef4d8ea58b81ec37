import type { JobError } from '../../upstream/resources/job-parts.ts';
import { DELETED_TRAINING_FILE } from '../simulation/intervention.ts';
import type { JobStatus } from '../simulation/lifecycle.ts';

interface StatusPath {
  /** The statuses after `validating_files`; the job stays in the last. */
  readonly path: readonly JobStatus[];
  readonly error?: JobError;
}

// Recorded messages (docs/upstream.md: Errors), except the number of the example, which the generated file has. All of
// them are errors of the validation: no error of a training is recorded.
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

/** The last status of a job, or a variant of it; for a job that fails, the code of its error. */
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
