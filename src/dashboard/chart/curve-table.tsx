import { useState } from 'preact/hooks';
import { searchParams, setSearchParams } from '../app/router.ts';
import { formatNumber, formatTime } from '../ui/formats.ts';
import type { Panel, Point } from './metric.ts';
import { columnTexts } from './point-text.ts';

const ROWS = 100;

interface CurveTableProps {
  points: readonly Point[];
  checkpointSteps: readonly number[];
  panels: readonly Panel[];
  /** The indexes of the zoomed part. */
  shown: { readonly first: number; readonly last: number };
}

/** The values of the zoomed part, page by page: thousands of rows would make the page slow. */
export function CurveTable(props: CurveTableProps) {
  const isOpen = searchParams.value.get('table') === '1';
  const onToggle = (event: Event) => {
    const { open } = event.currentTarget as HTMLDetailsElement; // The element below.
    if (open !== isOpen) setSearchParams({ table: open ? '1' : null });
  };
  return (
    <details class="curve-table" open={isOpen} onToggle={onToggle}>
      <summary>Table of the values</summary>
      {isOpen && <Rows {...props} />}
    </details>
  );
}

function Rows({ points, checkpointSteps, panels, shown: { first, last } }: CurveTableProps) {
  const pages = Math.max(1, Math.ceil((last - first + 1) / ROWS));
  const [chosen, setPage] = useState(0);
  const page = Math.min(chosen, pages - 1);
  const start = first + page * ROWS;
  const rows = points.slice(start, Math.min(last + 1, start + ROWS));
  const metrics = panels.flatMap((panel) => panel.metrics);
  const checkpoints = new Set(checkpointSteps);
  const hasTimes = points.some(({ createdAt }) => createdAt !== null);
  const texts = metrics.map(({ key }) => columnTexts(rows.map((point) => point[key])));
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls. */}
      <section class="table-scroll" tabIndex={0} aria-label="Values by step">
        <table class="table">
          <thead>
            <tr>
              <th scope="col" class="number">
                Step
              </th>
              {metrics.map(({ key, label }) => (
                <th key={key} scope="col" class="number">
                  {label}
                </th>
              ))}
              {hasTimes && <th scope="col">Time</th>}
              {checkpoints.size > 0 && <th scope="col">Checkpoint</th>}
            </tr>
          </thead>
          <tbody>
            {rows.map((point, row) => (
              <tr key={point.step} data-step={point.step}>
                <th scope="row" class="number">
                  {point.step}
                </th>
                {metrics.map(({ key }, column) => (
                  <td key={key} class="number" title={point[key] === null ? undefined : String(point[key])}>
                    {texts[column]?.[row]}
                  </td>
                ))}
                {hasTimes && <td>{point.createdAt === null ? '' : formatTime(point.createdAt)}</td>}
                {checkpoints.size > 0 && <td>{checkpoints.has(point.step) ? 'yes' : ''}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div class="pager">
        <button type="button" class="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
          Previous
        </button>
        <span>
          {formatNumber(rows.length === 0 ? 0 : page * ROWS + 1)} to {formatNumber(page * ROWS + rows.length)} of{' '}
          {formatNumber(points.length === 0 ? 0 : last - first + 1)} steps
        </span>
        <button type="button" class="button" disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
          Next
        </button>
      </div>
    </>
  );
}
