import type { JobAction } from '../../commands/job.ts';
import type { Context } from '../../request/context.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { jobStatus } from '../core/job-status.ts';
import { Conflict, type NotFound, notFound } from '../mutation/failure.ts';
import { ConflictError, NotFoundError } from '../mutation/failure-types.ts';
import { defineMutation, typePrefix } from '../mutation/mutation.ts';
import { denialOf, type ViewerDenial, ViewerDenialReason } from '../mutation/viewer-denial.ts';
import { FineTuningJob } from './job.ts';

const ROLE = 'operator';

interface Control {
  readonly description: string;
  /** `cancelled`, as in `the cancelled job`. */
  readonly participle: string;
  /** The statuses that a job can have before the action is complete. */
  readonly transition: string;
  /** The jobs that allow the action, as in a message. */
  readonly requirement: string;
  /** Whether the status of a job allows the action. The upstream decides. Not known for an UNKNOWN status. */
  readonly isPossible: (job: Job) => boolean;
}

const CONTROLS: Record<JobAction, Control> = {
  cancel: {
    description: 'Cancels a job that has not ended. A cancelled job cannot be resumed and creates no model.',
    participle: 'cancelled',
    transition: 'CANCELLING',
    requirement: 'a job that has not ended',
    isPossible: (job) => !isTerminal(job) && jobStatus.read(job.status) !== 'CANCELLING',
  },
  pause: {
    description: 'Pauses a running job: the job saves a checkpoint and stops training until it is resumed.',
    participle: 'paused',
    transition: 'PAUSING',
    requirement: 'a running job',
    isPossible: ({ status }) => jobStatus.read(status) === 'RUNNING',
  },
  resume: {
    description: 'Resumes a paused job from its checkpoint.',
    participle: 'resumed',
    transition: 'RESUMING or QUEUED',
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
    const message = `jobId: the job has the status ${job.status} and cannot be ${participle}; expected ${requirement}.`;
    return new Conflict(message, job, error);
  }
}

/** Whether the status of a job is known to forbid the action. */
const isForbidden = (action: JobAction, job: Job) =>
  !CONTROLS[action].isPossible(job) && (isTerminal(job) || jobStatus.read(job.status) !== 'UNKNOWN');

const noSuchJob = (jobId: string) => notFound('jobId', 'job', 'ftjob-abc123', jobId);

function defineControl(action: JobAction): void {
  const { description, participle, transition, requirement } = CONTROLS[action];
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
    result: `The job, or the reason why the job was not ${participle}.`,
    success: {
      description: `The upstream accepted the request. At first the status of the job can be ${transition}.`,
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
    failureCases: [
      '`NotFoundError`: no job has the id `jobId`.',
      `\`ConflictError\`: the job cannot be ${participle} in its current status; expected ${requirement}.`,
    ],
    run: ({ jobId }, context) => control(action, jobId, context),
  });
}

defineControl('cancel');
defineControl('pause');
defineControl('resume');

function denialOfControl(action: JobAction, job: Job, context: Context): ViewerDenial | null {
  return denialOf(ROLE, context) ?? (CONTROLS[action].isPossible(job) ? null : 'STATUS');
}

/** Adds `viewerCanCancel` and `cancelDenial` for `cancel`. `status` completes the sentence `the job …`. */
function defineViewerCan(action: JobAction, status: string): void {
  const can = `viewerCan${typePrefix(action)}`;
  builder.objectFields(FineTuningJob, (t) => ({
    [can]: t.boolean({
      nullable: false,
      description: `Whether to offer \`${action}FineTuningJob\`: the gateway and the role of the caller allow it, and the job ${status}. The upstream can still reject it.`,
      resolve: (job, _args, context) => denialOfControl(action, job, context) === null,
    }),
    [`${action}Denial`]: t.field({
      type: ViewerDenialReason,
      description: `Why \`${can}\` is false. Null when it is true.`,
      resolve: (job, _args, context) => denialOfControl(action, job, context),
    }),
  }));
}

defineViewerCan('cancel', 'has not ended and is not CANCELLING');
defineViewerCan('pause', 'is RUNNING');
defineViewerCan('resume', 'is PAUSED');
