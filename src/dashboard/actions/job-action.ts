import { query } from '../data/graphql-client.ts';
import type { Document } from '../operations/document.ts';
import {
  CancelJob,
  type CancelJobMutation,
  type JobActionsFragment,
  PauseJob,
  type PauseJobMutation,
  ResumeJob,
  type ResumeJobMutation,
  type ViewerDenialReason,
} from '../operations/generated.ts';
import type { Failure } from '../ui/error-notice.tsx';
import type { IconName } from '../ui/icon.tsx';
import { statusWord } from '../ui/status-badge.tsx';
import { DENIALS } from './denial.ts';

export type JobActionName = 'cancel' | 'pause' | 'resume';

interface JobAction {
  readonly label: string;
  readonly icon: IconName;
  /** Asked before; null for an action that another one reverts. */
  readonly confirmation: { readonly question: string; readonly effect: string } | null;
  /** Which statuses allow it. */
  readonly rule: string;
  readonly done: string;
}

export const JOB_ACTIONS: Readonly<Record<JobActionName, JobAction>> = {
  pause: {
    label: 'Pause',
    icon: 'pause',
    confirmation: null,
    rule: 'Only a running job can be paused',
    done: 'The pause is requested: the job saves a checkpoint, and stops training until you resume it.',
  },
  resume: {
    label: 'Resume',
    icon: 'play',
    confirmation: null,
    rule: 'Only a paused job can be resumed',
    done: 'The job is resumed: it goes on training from its checkpoint.',
  },
  cancel: {
    label: 'Cancel',
    icon: 'stop',
    confirmation: {
      question: 'Cancel this job?',
      effect: 'The job stops. It creates no model, and it cannot be resumed.',
    },
    rule: 'Only a job that has not ended can be cancelled',
    done: 'The cancellation is requested.',
  },
};

/** Why the caller may not do it; null when it may. */
export function actionDenialOf(action: JobActionName, job: JobActionsFragment): ViewerDenialReason | null {
  return { cancel: job.cancelDenial, pause: job.pauseDenial, resume: job.resumeDenial }[action];
}

/** Why the action is not possible now, such as that the job has ended; null when it is possible. */
export function reasonOf(action: JobActionName, job: JobActionsFragment): string | null {
  const denial = actionDenialOf(action, job);
  if (denial === null) return null;
  if (denial !== 'STATUS') return DENIALS[denial];
  return `${JOB_ACTIONS[action].rule}. The status of this job is “${statusWord(job.status, job.rawStatus)}”.`;
}

/** The new state of the job; null when it is not known. `failure` is null when the action has succeeded. */
interface ActionResult {
  readonly job: JobActionsFragment | null;
  readonly failure: Failure | null;
}

type JobMutation = CancelJobMutation | PauseJobMutation | ResumeJobMutation;

const OPERATIONS: Readonly<Record<JobActionName, Document<JobMutation, { jobId: string }>>> = {
  cancel: CancelJob,
  pause: PauseJob,
  resume: ResumeJob,
};

export async function runJobAction(action: JobActionName, jobId: string): Promise<ActionResult> {
  const answer = await query(OPERATIONS[action], { jobId });
  if (!answer.ok) return { job: null, failure: answer.error };
  const { result } = answer.data;
  if ('fineTuningJob' in result) return { job: result.fineTuningJob, failure: null };
  const job = result.__typename === 'ConflictError' ? result.conflictingJob : null;
  return { job, failure: result };
}
