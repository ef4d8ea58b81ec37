import { useState } from 'preact/hooks';
import { startHref } from '../app/router.ts';
import { session } from '../data/session.ts';
import type { JobActionsFragment } from '../operations/generated.ts';
import { Icon } from '../ui/icon.tsx';
import { showToast } from '../ui/toast.tsx';
import { ActionButton } from './action-button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { DeleteModelButton } from './delete-model-button.tsx';
import { isHidden } from './denial.ts';
import { actionDenialOf, JOB_ACTIONS, type JobActionName, reasonOf, runJobAction } from './job-action.ts';

interface JobActionsProps {
  job: JobActionsFragment;
  /** Called before a mutation. Returns a function that receives the state that the mutation has returned. */
  startMutation: () => (returned: JobActionsFragment) => void;
}

/** The actions on a job: pause or resume, cancel, clone, delete its model. */
export function JobActions({ job, startMutation }: JobActionsProps) {
  const [asked, setAsked] = useState<JobActionName | null>(null);
  const [pending, setPending] = useState<JobActionName | null>(null);
  const run = async (action: JobActionName) => {
    const receive = startMutation();
    const { job: returned, failure } = await runJobAction(action, job.id);
    if (returned !== null) receive(returned);
    if (failure === null) showToast(JOB_ACTIONS[action].done);
    return failure;
  };
  const confirm = async (action: JobActionName) => {
    const failure = await run(action);
    if (failure === null) setAsked(null);
    return failure;
  };
  const runAtOnce = async (action: JobActionName) => {
    setPending(action);
    const failure = await run(action);
    if (failure !== null) showToast(failure.message, 'error');
    setPending(null);
  };
  const confirmation = asked && JOB_ACTIONS[asked].confirmation;
  const canClone = session.value !== null && !isHidden(session.value.viewer.createFineTuningJobDenial);
  return (
    <>
      {actionsFor(job).map((action) => (
        <ActionButton
          key={action === 'cancel' ? action : 'pause or resume'} // The same button, so that it keeps the focus.
          label={JOB_ACTIONS[action].label}
          icon={JOB_ACTIONS[action].icon}
          reason={pending === action ? 'The request is sent. Please wait.' : reasonOf(action, job)}
          isDangerous={action === 'cancel'}
          onClick={() => (JOB_ACTIONS[action].confirmation === null ? runAtOnce(action) : setAsked(action))}
        />
      ))}
      {canClone && (
        <a class="button" href={`${startHref}?from=${encodeURIComponent(job.id)}`}>
          <Icon name="copy" />
          Clone
        </a>
      )}
      {job.fineTunedModelId !== null && <DeleteModelButton modelId={job.fineTunedModelId} />}
      {asked !== null && confirmation !== null && (
        <ConfirmDialog
          title={confirmation.question}
          confirmLabel={`${JOB_ACTIONS[asked].label} the job`}
          isDangerous
          onConfirm={() => confirm(asked)}
          onClose={() => setAsked(null)}
        >
          <p>{confirmation.effect}</p>
          <p class="quiet wrap">{job.id}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

const PAUSED = new Set(['PAUSED', 'PAUSING', 'RESUMING']);

/** Pause or resume, never both; none that the caller may never use. */
function actionsFor(job: JobActionsFragment): JobActionName[] {
  const names: JobActionName[] = [PAUSED.has(job.status) ? 'resume' : 'pause', 'cancel'];
  return names.filter((name) => !isHidden(actionDenialOf(name, job)));
}
