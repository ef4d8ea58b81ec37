import { useState } from 'preact/hooks';
import type { Answer } from '../data/graphql-client.ts';
import { showToast } from '../ui/toast.tsx';
import { ActionButton } from './action-button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';

interface DeleteButtonProps {
  label: string;
  question: string;
  effect: string;
  /** Of what is deleted. */
  name: string;
  /** Why it cannot be deleted now; null when it can. */
  reason?: string | null;
  operation: () => Promise<Answer<{ readonly result: DeleteResult }>>;
  onDeleted: () => void;
}

/** An error, or a success without a message. */
interface DeleteResult {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
}

/** Deletes something after a confirmation. */
export function DeleteButton({
  label,
  question,
  effect,
  name,
  reason = null,
  operation,
  onDeleted,
}: DeleteButtonProps) {
  const [isAsked, setAsked] = useState(false);
  const confirm = async () => {
    const answer = await operation();
    if (!answer.ok) return answer.error;
    const { code = '', message } = answer.data.result;
    if (message !== undefined) return { code, message };
    setAsked(false);
    showToast(`Deleted: ${name}`);
    onDeleted();
    return null;
  };
  return (
    <>
      <ActionButton label={label} icon="cross" reason={reason} isDangerous onClick={() => setAsked(true)} />
      {isAsked && (
        <ConfirmDialog
          title={question}
          confirmLabel={label}
          isDangerous
          onConfirm={confirm}
          onClose={() => setAsked(false)}
        >
          <p>{effect}</p>
          <p class="quiet wrap">{name}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
