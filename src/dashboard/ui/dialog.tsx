import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** For tests. */
  id?: string;
}

/**
 * A modal dialog, open while it is rendered. Escape and the close button call `onClose`. An element with `data-focus` gets
 * the focus at first, otherwise the close button does. At the end, the element that had it before gets it again.
 */
export function Dialog({ title, onClose, children, id }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    element?.querySelector<HTMLElement>('[data-focus]')?.focus();
    return () => {
      element?.close();
      if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus(); // It was removed before.
    };
  }, []);
  const cancel = (event: Event) => {
    if (!event.cancelable) return; // `close` follows.
    event.preventDefault(); // The owner removes it.
    onClose();
  };
  /** Chromium closes a dialog at the second Escape, although the first one was prevented. */
  const close = () => {
    const element = dialog.current;
    if (element === null || element.open) return; // The owner has removed it.
    element.showModal(); // The owner can keep it, such as while an action is pending.
    element.querySelector<HTMLElement>('[data-focus]')?.focus();
    onClose();
  };
  return (
    <dialog ref={dialog} id={id} class="dialog" aria-labelledby={titleId} onCancel={cancel} onClose={close}>
      <header class="dialog-header">
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="button-icon" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
