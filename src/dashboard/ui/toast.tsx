import { signal } from '@preact/signals';
import { after } from '../data/clock.ts';
import { Icon } from './icon.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'info' | 'error';
}

const SHOWN_MS = 6000;
/** Texts that go by themselves, at most. */
const MAX_INFOS = 4;
const toasts = signal<readonly Toast[]>([]);
let newestId = 0;

/** Shows a short text. An error stays until the user closes it; the same one again replaces it. */
export function showToast(text: string, kind: Toast['kind'] = 'info'): void {
  const toast = { id: ++newestId, text, kind };
  const all = [...toasts.value.filter((each) => each.kind === 'info' || each.text !== text), toast];
  const infos = all.filter((each) => each.kind === 'info').slice(-MAX_INFOS);
  toasts.value = all.filter((each) => each.kind === 'error' || infos.includes(each));
  if (kind === 'info') after(SHOWN_MS, () => close(toast.id));
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, kind }) => (
        <div key={id} class={`toast toast-${kind}`}>
          <span>{text}</span>
          <button type="button" class="button-icon" aria-label="Close the message" onClick={() => close(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
