import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorCode, type Failure } from '../ui/error-notice.tsx';

interface ConfirmDialogProps {
  title: string;
  /** The effect of the action. */
  children: ComponentChildren;
  confirmLabel: string;
  isDangerous?: boolean;
  /** Resolves to why the action failed, or to null when it has succeeded: then its owner removes the dialog. */
  onConfirm: () => Promise<Failure | null>;
  onClose: () => void;
}

/** Asks before an action, and shows its failure. The first focus is on the button that does nothing. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, confirmLabel, isDangerous = false, onConfirm, onClose } = props;
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const confirm = async () => {
    if (isPending) return;
    setPending(true);
    setFailure(null);
    const problem = await onConfirm();
    if (problem === null) return;
    setFailure(problem);
    setPending(false);
  };
  const close = () => {
    if (!isPending) onClose(); // The outcome has to be seen.
  };
  return (
    <Dialog id="confirm-dialog" title={title} onClose={close}>
      {children}
      {failure !== null && (
        <div class="notice notice-error" role="alert">
          <p>{failure.message}</p>
          <ErrorCode code={failure.code} />
        </div>
      )}
      <div class="dialog-actions">
        <button
          type="button"
          class={`button ${isDangerous ? 'button-danger-primary' : 'button-primary'}`}
          aria-disabled={isPending}
          onClick={confirm}
        >
          {isPending ? 'Please wait…' : confirmLabel}
        </button>
        <button type="button" class="button" data-focus aria-disabled={isPending} onClick={close}>
          Back
        </button>
      </div>
    </Dialog>
  );
}
