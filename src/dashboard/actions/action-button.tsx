import { useId } from 'preact/hooks';
import { Icon, type IconName } from '../ui/icon.tsx';
import { showToast } from '../ui/toast.tsx';

interface ActionButtonProps {
  label: string;
  icon: IconName;
  /** Why the action is not possible now; null when it is. */
  reason: string | null;
  isDangerous?: boolean;
  onClick: () => unknown;
}

/** A button that stays focusable while it is disabled, so that everyone can learn the reason. */
export function ActionButton({ label, icon, reason, isDangerous = false, onClick }: ActionButtonProps) {
  const id = useId();
  return (
    <>
      <button
        type="button"
        class={`button${isDangerous ? ' button-danger' : ''}`}
        aria-disabled={reason !== null}
        aria-describedby={reason === null ? undefined : id}
        title={reason ?? undefined}
        onClick={reason === null ? onClick : () => showToast(reason)}
      >
        <Icon name={icon} />
        {label}
      </button>
      {reason !== null && (
        <span id={id} hidden>
          {reason}
        </span>
      )}
    </>
  );
}
