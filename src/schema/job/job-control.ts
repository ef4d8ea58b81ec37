import type { JobAction } from '../../commands/job.ts';
import type { Context } from '../../request/context.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { cost } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { Conflict, type NotFound, notFound } from '../mutation/failure.ts';
import { FAILURES } from '../mutation/failure-types.ts';
import { authorize, resolveMutation } from '../mutation/mutation.ts';
import { FineTuningJob } from './job.ts';

/** A job that did what it was asked. */
abstract class Controlled {
  readonly job: Job;
  readonly affectedId: string;

  constructor(job: Job) {
    this.job = job;
    this.affectedId = job.id;
  }
}

class Cancelled extends Controlled {}
class Paused extends Controlled {}
class Resumed extends Controlled {}

/** Whether a job in this status can be asked for it, as far as is known: the upstream has the last word. */
const CAN: Record<JobAction, (job: Job) => boolean> = {
  cancel: (job) => !isTerminal(job) && jobStatus.read(job.status) !== 'CANCELLING',
  pause: ({ status }) => jobStatus.read(status) === 'RUNNING',
  resume: ({ status }) => jobStatus.read(status) === 'PAUSED',
};

/** What has been done then. */
const DONE: Record<JobAction, string> = { cancel: 'cancelled', pause: 'paused', resume: 'resumed' };

/** Asks the upstream; where it does not accept that, the job's status says why. */
async function control(what: JobAction, jobId: string, { commands }: Context): Promise<Job | Conflict | NotFound> {
  try {
    return (await commands.jobs.control(what, jobId)) ?? noJob(jobId);
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_REJECTED') throw error;
    const job = await commands.jobs.refresh(jobId);
    if (job === null) return noJob(jobId);
    return new Conflict(`A job with the status ${job.status} cannot be ${DONE[what]}.`, job.status, error);
  }
}

const noJob = (jobId: string) => notFound('jobId', 'the id of a job', jobId);

interface Kind {
  what: JobAction;
  /** `Cancel`, as the names of types begin. */
  name: string;
  success: new (job: Job) => Controlled;
  does: string;
}

function defineControl({ what, name, success: Success, does }: Kind) {
  const mutation = `${what}FineTuningJob`;
  const success = builder.objectType(Success, {
    name: `${name}FineTuningJobSuccess`,
    isTypeOf: (value) => value instanceof Success,
    description: `The upstream has accepted that the job be ${DONE[what]}.`,
    fields: (t) => ({
      fineTuningJob: t.field({
        type: FineTuningJob,
        nullable: false,
        description: 'The job, as the upstream answered.',
        resolve: ({ job }) => job,
      }),
    }),
  });
  const input = builder.inputType(`${name}FineTuningJobInput`, {
    description: `Which job is to be ${DONE[what]}.`,
    fields: (t) => ({ jobId: t.id({ required: true, description: "The job's id." }) }),
  });
  const result = builder.unionType(`${name}FineTuningJobResult`, {
    description: 'What came of it.',
    types: [success, ...FAILURES],
  });
  builder.mutationField(mutation, (t) =>
    t.field({
      type: result,
      nullable: false,
      description: `${does} It needs the role \`operator\`.`,
      args: { input: t.arg({ type: input, required: true, description: 'Which job.' }) },
      extensions: cost({ calls: 2 }),
      resolve: resolveMutation<{ jobId: string }, Controlled, Conflict | NotFound>(
        mutation,
        'operator',
        async ({ jobId }, context) => {
          const outcome = await control(what, jobId, context);
          return 'raw' in outcome ? new Success(outcome) : outcome;
        },
        ({ jobId }) => jobId,
      ),
    }),
  );
}

defineControl({ what: 'cancel', name: 'Cancel', success: Cancelled, does: 'Stops a job for good.' });
defineControl({
  what: 'pause',
  name: 'Pause',
  success: Paused,
  does: 'Lets a running job save its state as a checkpoint and rest.',
});
defineControl({ what: 'resume', name: 'Resume', success: Resumed, does: 'Lets a paused job go on.' });

const can = (what: JobAction) => (job: Job, _: unknown, context: Context) =>
  authorize('operator', context) === null && CAN[what](job);

builder.objectFields(FineTuningJob, (t) => ({
  viewerCanCancel: t.boolean({
    nullable: false,
    description: 'Whether the caller may cancel it, and its status allows it.',
    resolve: can('cancel'),
  }),
  viewerCanPause: t.boolean({
    nullable: false,
    description: 'Whether the caller may pause it, and its status allows it.',
    resolve: can('pause'),
  }),
  viewerCanResume: t.boolean({
    nullable: false,
    description: 'Whether the caller may resume it, and its status allows it.',
    resolve: can('resume'),
  }),
}));
