import { computed, signal } from '@preact/signals';
import { compareHref } from '../app/router.ts';
import type { BoardJobFragment } from '../operations/generated.ts';
import { hasJob } from './job-store.ts';

const MAX_SELECTED = 10;

const chosen = signal<ReadonlySet<string>>(new Set());

/** The chosen jobs that are not deleted. */
const selected = computed<ReadonlySet<string>>(() => new Set([...chosen.value].filter(hasJob)));

function toggle(jobId: string): void {
  const next = new Set(selected.value);
  if (!next.delete(jobId) && next.size < MAX_SELECTED) next.add(jobId);
  chosen.value = next;
}

/** Whether a job is selected: then the summary stays at the top of the page. */
export const hasSelection = (): boolean => selected.peek().size > 0;

/** Selects a job for a comparison. */
export function SelectBox({ jobId, name }: { jobId: string; name: string }) {
  const isSelected = selected.value.has(jobId);
  const isFull = !isSelected && selected.value.size >= MAX_SELECTED;
  return (
    <input
      type="checkbox"
      aria-label={`Compare ${name}`}
      title={isFull ? `At most ${MAX_SELECTED} jobs can be compared` : 'Compare'}
      checked={isSelected}
      disabled={isFull}
      onChange={() => toggle(jobId)}
    />
  );
}

/** The way to the comparison of the selected jobs. `shown` are the jobs of the list. */
export function Selection({ shown }: { shown: readonly BoardJobFragment[] }) {
  const { size } = selected.value;
  if (size === 0) return null;
  const hidden = size - shown.filter(({ id }) => selected.value.has(id)).length;
  const clear = () => {
    chosen.value = new Set();
    const next = document.querySelector<HTMLElement>('.job-select input') ?? document.querySelector<HTMLElement>('h1');
    next?.focus({ preventScroll: true }); // The button disappears.
  };
  return (
    <div class="selection">
      <span role="status">
        {size === 1 ? 'Select another job to compare' : `${size} jobs selected`}
        {hidden > 0 && ` (${hidden} not shown)`}
      </span>
      {size > 1 && (
        <a class="button button-primary" href={compareHref([...selected.value])}>
          Compare
        </a>
      )}
      <button type="button" class="button" aria-label="Clear the selection" onClick={clear}>
        Clear
      </button>
    </div>
  );
}
