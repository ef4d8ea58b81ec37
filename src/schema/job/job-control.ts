import type { JobAction } from '../../commands/job.ts';
import type { Context } from '../../request/context.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { jobStatus } from '../core/job-status.ts';
import { Conflict, type NotFound, notFound } from '../mutation/failure.ts';
import { ConflictError, NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation, typePrefix } from '../mutation/mutation.ts';
import { isAllowed } from '../mutation/mutation-resolver.ts';
import { FineTuningJob } from './job.ts';

const ROLE = 'operator';

interface Control {
  readonly description: string;
  /** `cancelled`, as in `the cancelled job`. */
  readonly participle: string;
  /** The status that a job can have before the action is complete. */
  readonly transition: string;
  /** The jobs that allow the action, as in a message. */
  readonly requirement: string;
  /** Whether the status of a job allows the action. The upstream decides. Not known for an UNKNOWN status. */
  readonly isPossible: (job: Job) => boolean;
}

const CONTROLS: Record<JobAction, Control> = {
  cancel: {
    description: 'Cancels a job. A cancelled job cannot be resumed.',
    participle: 'cancelled',
    transition: 'CANCELLING',
    requirement: 'a job that has not ended',
    isPossible: (job) => !isTerminal(job) && jobStatus.read(job.status) !== 'CANCELLING',
  },
  pause: {
    description: 'Pauses a running job: it saves its state as a checkpoint and stops training until it is resumed.',
    participle: 'paused',
    transition: 'PAUSING',
    requirement: 'a running job',
    isPossible: ({ status }) => jobStatus.read(status) === 'RUNNING',
  },
  resume: {
    description: 'Resumes a paused job.',
    participle: 'resumed',
    transition: 'RESUMING',
    requirement: 'a paused job',
    isPossible: ({ status }) => jobStatus.read(status) === 'PAUSED',
  },
};

/**
 * Sends the action to the upstream. A rejection has many possible reasons, such as the account or the model. It is a
 * conflict only when the current status of the job forbids the action; otherwise the error of the upstream is thrown.
 */
async function control(action: JobAction, jobId: string, { commands }: Context): Promise<Job | Conflict | NotFound> {
  try {
    return (await commands.jobs.control(action, jobId)) ?? noSuchJob(jobId);
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_REJECTED') throw error;
    const job = await commands.jobs.refresh(jobId).catch((failure: unknown) => {
      throw failure instanceof UpstreamError ? error : failure; // The reason of the rejection says more than this one.
    });
    if (job === null) return noSuchJob(jobId);
    if (!isForbidden(action, job)) throw error;
    const { participle, requirement } = CONTROLS[action];
    const message = `A job with the status ${job.status} cannot be ${participle}; expected ${requirement}.`;
    return new Conflict(message, job, error);
  }
}

/** Whether the status of a job is known to forbid the action. */
const isForbidden = (action: JobAction, job: Job) =>
  !CONTROLS[action].isPossible(job) && (isTerminal(job) || jobStatus.read(job.status) !== 'UNKNOWN');

const noSuchJob = (jobId: string) => notFound('jobId', 'job', 'ftjob-abc123', jobId);

function defineControl(action: JobAction): void {
  const { description, participle, transition } = CONTROLS[action];
  const name = `${action}FineTuningJob`;
  const input = builder.inputType(`${typePrefix(name)}Input`, {
    description: `The job to ${action}.`,
    fields: (t) => ({ jobId: t.id({ required: true, description: 'The id of the job, such as `ftjob-abc123`.' }) }),
  });
  defineMutation({
    name,
    role: ROLE,
    description,
    cost: { calls: 2 },
    input,
    idOfInput: ({ jobId }) => jobId,
    result: `The job, or the reason why it was not ${participle}.`,
    success: {
      description: `The upstream accepted the request. The status of the job can be ${transition} first.`,
      affectedId: ({ id }: Job) => id,
      fields: (t) => ({
        fineTuningJob: t.field({
          type: FineTuningJob,
          nullable: false,
          description: 'The job, as in the response of the upstream.',
          resolve: (job) => job,
        }),
      }),
    },
    failures: [NotFoundError, ConflictError],
    run: ({ jobId }, context) => control(action, jobId, context),
  });
}

defineControl('cancel');
defineControl('pause');
defineControl('resume');

const canControl = (action: JobAction) => (job: Job, _args: unknown, context: Context) =>
  isAllowed(ROLE, context) && CONTROLS[action].isPossible(job);

builder.objectFields(FineTuningJob, (t) => ({
  viewerCanCancel: t.boolean({
    nullable: false,
    description:
      'Whether `cancelFineTuningJob` can succeed: the role of the caller and the status of the job allow it.',
    resolve: canControl('cancel'),
  }),
  viewerCanPause: t.boolean({
    nullable: false,
    description: 'Whether `pauseFineTuningJob` can succeed: the role of the caller and the status of the job allow it.',
    resolve: canControl('pause'),
  }),
  viewerCanResume: t.boolean({
    nullable: false,
    description:
      'Whether `resumeFineTuningJob` can succeed: the role of the caller and the status of the job allow it.',
    resolve: canControl('resume'),
  }),
}));
