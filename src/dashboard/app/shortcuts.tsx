import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Dialog } from '../ui/dialog.tsx';
import { readSetting, writeSetting } from './settings.ts';

/** A key that runs a command while the page shows it. */
export interface Shortcut {
  /** The value of `KeyboardEvent.key`, such as `/` or `Enter`. */
  readonly key: string;
  readonly label: string;
  run(): void;
}

/** Lists of the mounted components, the newest last: it has precedence. */
const lists = signal<readonly (readonly Shortcut[])[]>([]);
const isHelpOpen = signal(false);
const areOn = signal(readSetting('shortcuts') !== 'off');

/** Registers shortcuts while the component is mounted. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts);
  newest.current = shortcuts;
  const identity = shortcuts.map(({ key, label }) => `${key} ${label}`).join('\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the keys and labels decide; `run` is looked up when it is used.
  useEffect(() => {
    const list = newest.current.map(({ key, label }) => ({
      key,
      label,
      run: () => newest.current.find((shortcut) => shortcut.key === key)?.run(),
    }));
    lists.value = [...lists.value, list];
    return () => {
      lists.value = lists.value.filter((other) => other !== list);
    };
  }, [identity]);
}

export function openShortcutHelp(): void {
  isHelpOpen.value = true;
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null;

/** Enter and Space belong to a focused control. */
const isControl = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('a, button, summary, [role="button"]') !== null;

function onKeydown(event: KeyboardEvent): void {
  const { key, target, ctrlKey, metaKey, altKey, defaultPrevented } = event;
  if (!areOn.value || defaultPrevented || ctrlKey || metaKey || altKey || isTyping(target)) return;
  if ((key === 'Enter' || key === ' ') && isControl(target)) return;
  if (document.querySelector('dialog[open]') !== null) return;
  const shortcut = key === '?' ? HELP : lists.value.flat().findLast((candidate) => candidate.key === key);
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.run();
}

const HELP: Shortcut = { key: '?', label: 'Show the keyboard shortcuts', run: openShortcutHelp };

/** Runs shortcuts. Shows their list on `?`, with a switch that turns them off. */
export function ShortcutHelp() {
  useEffect(() => {
    addEventListener('keydown', onKeydown);
    return () => removeEventListener('keydown', onKeydown);
  }, []);
  if (!isHelpOpen.value) return null;
  const toggle = (event: Event) => {
    areOn.value = (event.currentTarget as HTMLInputElement).checked; // The checkbox below.
    writeSetting('shortcuts', areOn.value ? 'on' : 'off');
  };
  const close = () => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog id="shortcut-help" title="Keyboard shortcuts" onClose={close}>
      <dl class="shortcut-list">
        {[...lists.value.flat(), HELP].map(({ key, label }) => (
          <div key={key + label}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={areOn.value} onChange={toggle} />
        Use keyboard shortcuts
      </label>
    </Dialog>
  );
}
