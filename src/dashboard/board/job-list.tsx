import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { jobHref, navigate } from '../app/router.ts';
import { useShortcuts } from '../app/shortcuts.tsx';
import type { BoardJobFragment } from '../operations/generated.ts';
import type { BoardView, SortKey } from './board-view.ts';
import { showCurves } from './curve-store.ts';
import { JobRow } from './job-row.tsx';
import { hasSelection } from './selection.tsx';
import { useMedia, useScrollAnchor, useVisibleRange } from './visible-range.ts';

/** As in styles/board.css. */
const NARROW = '(max-width: 700px)';
const ROW_HEIGHT = 48;
const CARD_HEIGHT = 132;
const SUMMARY_HEIGHT = 44;

const COLUMNS: readonly { label: string; key?: SortKey }[] = [
  { label: 'Status', key: 'status' },
  { label: 'Job', key: 'job' },
  { label: 'Model', key: 'model' },
  { label: 'Method', key: 'method' },
  { label: 'Progress' },
  { label: 'Loss or reward' },
  { label: 'Created', key: 'created' },
];

interface JobListProps {
  jobs: readonly BoardJobFragment[];
  view: BoardView;
  onSort: (key: SortKey) => void;
  /** Called when the end of the list is near. */
  onEnd: () => void;
}

/** The jobs as a table whose visible rows alone are rendered. On narrow screens each row is a card. */
export function JobList({ jobs, view, onSort, onEnd }: JobListProps) {
  const list = useRef<HTMLTableSectionElement>(null);
  const rowHeight = useMedia(NARROW) ? CARD_HEIGHT : ROW_HEIGHT;
  const ids = useMemo(() => jobs.map(({ id }) => id), [jobs]);
  useScrollAnchor(list, ids, rowHeight, JSON.stringify(view));
  const { start, end } = useVisibleRange(list, jobs.length, rowHeight);
  const rows = jobs.slice(start, end);
  const select = useRowKeys(list, jobs, rowHeight);
  useEffect(() => showCurves(rows));
  useEffect(() => () => showCurves([]), []);
  useEffect(() => {
    if (end >= jobs.length) onEnd();
  }, [end, jobs.length, onEnd]);
  return (
    <table class="jobs" aria-label="Jobs" aria-rowcount={jobs.length + 1}>
      <thead>
        <tr aria-rowindex={1} class="job-header">
          <th scope="col">
            <span class="visually-hidden">Compare</span>
          </th>
          {COLUMNS.map(({ label, key }) => (
            <Column key={label} label={label} sortKey={key} view={view} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody ref={list} class="job-rows" style={{ height: `${jobs.length * rowHeight}px` }}>
        {rows.map((job, index) => (
          <JobRow
            key={job.id}
            job={job}
            index={start + index}
            top={(start + index) * rowHeight}
            onFocus={() => select(job.id)}
          />
        ))}
      </tbody>
    </table>
  );
}

interface ColumnProps {
  label: string;
  sortKey: SortKey | undefined;
  view: BoardView;
  onSort: (key: SortKey) => void;
}

function Column({ label, sortKey, view, onSort }: ColumnProps) {
  if (sortKey === undefined) return <th scope="col">{label}</th>;
  const isSorted = view.sortKey === sortKey;
  const direction = view.isDescending ? 'descending' : 'ascending';
  return (
    <th scope="col" aria-sort={isSorted ? direction : 'none'}>
      <button type="button" class="sort" onClick={() => onSort(sortKey)}>
        {label}
        <span aria-hidden="true">{isSorted ? (view.isDescending ? '↓' : '↑') : ''}</span>
      </button>
    </th>
  );
}

/** Registers the keys that move from row to row. Returns what selects the row from which they move. */
function useRowKeys(
  list: { readonly current: HTMLElement | null },
  jobs: readonly BoardJobFragment[],
  rowHeight: number,
): (jobId: string) => void {
  const selected = useRef<string | null>(null);
  const isFocusDue = useRef(false);
  const move = (distance: number) => {
    const current = jobs.findIndex(({ id }) => id === selected.current);
    const index = current < 0 ? 0 : Math.min(jobs.length - 1, Math.max(0, current + distance));
    const job = jobs[index];
    if (job === undefined || list.current === null) return;
    selected.current = job.id;
    isFocusDue.current = true;
    reveal(list.current, index, rowHeight);
    focusRow();
  };
  const focusRow = () => {
    if (!isFocusDue.current || selected.current === null) return;
    const link = list.current?.querySelector<HTMLElement>(`[data-job="${CSS.escape(selected.current)}"] a`);
    if (!link) return; // It is rendered after the scroll.
    isFocusDue.current = false;
    link.focus({ preventScroll: true });
  };
  useLayoutEffect(focusRow);
  useShortcuts([
    { key: 'j', label: 'Next job', run: () => move(1) },
    { key: 'k', label: 'Previous job', run: () => move(-1) },
    {
      key: 'Enter',
      label: 'Open the job',
      run: () => {
        if (selected.current !== null) navigate(jobHref(selected.current));
      },
    },
  ]);
  return (jobId) => {
    selected.current = jobId;
  };
}

/** Scrolls as little as makes the row visible, below what stays at the top of the page. */
function reveal(list: HTMLElement, index: number, rowHeight: number): void {
  const top = list.getBoundingClientRect().top + index * rowHeight;
  const above = top - ROW_HEIGHT - (hasSelection() ? SUMMARY_HEIGHT : 0);
  const below = top + rowHeight - innerHeight;
  if (above < 0) scrollBy(0, above);
  else if (below > 0) scrollBy(0, below);
}
