import type { Steer } from '../../commands/job.ts';
import type { Context } from '../../request/context.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { builder } from '../core/builder.ts';
import { costs } from '../core/field-cost.ts';
import { jobStatus } from '../core/job-status.ts';
import { Conflict, type NotFound, notFound } from '../mutation/failure.ts';
import { FAILURES } from '../mutation/failure-types.ts';
import { forbiddance, mutating } from '../mutation/mutation.ts';
import { FineTuningJob } from './job.ts';

/** A job that did what it was asked. */
abstract class Steered {
  readonly job: Job;
  readonly doneId: string;

  constructor(job: Job) {
    this.job = job;
    this.doneId = job.id;
  }
}

class Cancelled extends Steered {}
class Paused extends Steered {}
class Resumed extends Steered {}

/** Whether a job in this status can be asked for it, as far as is known: the upstream has the last word. */
const CAN: Record<Steer, (job: Job) => boolean> = {
  cancel: (job) => !isTerminal(job) && jobStatus.read(job.status) !== 'CANCELLING',
  pause: ({ status }) => jobStatus.read(status) === 'RUNNING',
  resume: ({ status }) => jobStatus.read(status) === 'PAUSED',
};

/** What has been done then. */
const DONE: Record<Steer, string> = { cancel: 'cancelled', pause: 'paused', resume: 'resumed' };

/** Asks the upstream; where it does not accept that, the job's status says why. */
async function steer(what: Steer, jobId: string, { changes }: Context): Promise<Job | Conflict | NotFound> {
  try {
    return (await changes.jobs.steer(what, jobId)) ?? noJob(jobId);
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_REJECTED') throw error;
    const job = await changes.jobs.look(jobId);
    if (job === null) return noJob(jobId);
    return new Conflict(`A job with the status ${job.status} cannot be ${DONE[what]}.`, job.status, error);
  }
}

const noJob = (jobId: string) => notFound('jobId', 'the id of a job', jobId);

interface Kind {
  what: Steer;
  /** `Cancel`, as the names of types begin. */
  name: string;
  success: new (job: Job) => Steered;
  does: string;
}

function defineSteering({ what, name, success: Success, does }: Kind) {
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
      extensions: costs({ calls: 2 }),
      resolve: mutating<{ jobId: string }, Steered, Conflict | NotFound>(
        mutation,
        'operator',
        async ({ jobId }, context) => {
          const outcome = await steer(what, jobId, context);
          return 'raw' in outcome ? new Success(outcome) : outcome;
        },
        ({ jobId }) => jobId,
      ),
    }),
  );
}

defineSteering({ what: 'cancel', name: 'Cancel', success: Cancelled, does: 'Stops a job for good.' });
defineSteering({
  what: 'pause',
  name: 'Pause',
  success: Paused,
  does: 'Lets a running job save its state as a checkpoint and rest.',
});
defineSteering({ what: 'resume', name: 'Resume', success: Resumed, does: 'Lets a paused job go on.' });

const can = (what: Steer) => (job: Job, _: unknown, context: Context) =>
  forbiddance('operator', context) === null && CAN[what](job);

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
