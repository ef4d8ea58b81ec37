import { Icon } from './icon.tsx';
import { showToast } from './toast.tsx';

interface CopyButtonProps {
  text: string;
  /** Names the text, such as `id of the job`. */
  label: string;
  /** A word on the button, in place of the icon alone. */
  children?: string;
}

/** Copies `text`. */
export function CopyButton({ text, label, children }: CopyButtonProps) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      showToast(`Copied: ${label}.`);
    } catch {
      showToast(`The browser does not allow the page to copy. The ${label} is: ${text}`, 'error');
    }
  };
  if (children !== undefined) {
    return (
      <button type="button" class="button" onClick={copy}>
        <Icon name="copy" />
        {children}
      </button>
    );
  }
  return (
    <button type="button" class="button-icon" aria-label={`Copy ${label}`} title={`Copy ${label}`} onClick={copy}>
      <Icon name="copy" />
    </button>
  );
}
