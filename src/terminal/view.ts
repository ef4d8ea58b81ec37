import { createLogUpdate } from 'log-update';
import type { Clock } from '../clock.ts';
import { duration } from './charts.ts';
import { curveOf, fractionOf, percentOf, secondsLeft, statusOf, titleOf } from './describe.ts';
import { draw, maxRows } from './draw.ts';
import type { JobTable, Row } from './job-table.ts';
import { clean } from './text.ts';

/** A terminal, which has a size, or any other stream. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

export interface View {
  /** Maximum jobs whose metrics are followed. */
  maxFollowed(): number;
  /** Shows the current state of the table. */
  show(): void;
  /** Shows the last state and a last line, and restores the output. */
  close(lastLine?: string): void;
}

export interface ViewOptions {
  readonly output: Output;
  readonly table: JobTable;
  readonly clock: Clock;
  readonly heading: string;
  readonly isColored: boolean;
}

/** Half of the gateway's limit of operations per WebSocket. */
const MAX_FOLLOWED = 50;
/** Minimum time between two redraws. */
const REDRAW_MS = 100;

const CONNECTION_LOST = 'Connection to the gateway lost; reconnecting.';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** A table that is redrawn in place. */
export function createTerminalView({ output, table, clock, heading, isColored }: ViewOptions): View {
  const update = createLogUpdate(output, { showCursor: true }); // By default it hides the cursor of another stream.
  const size = () => ({ width: output.columns || 80, height: output.rows || 24 });
  let cancel: (() => void) | undefined;
  let isClosed = false;
  output.write(HIDE_CURSOR);
  const redraw = () => {
    cancel = undefined;
    const notice = table.isConnected ? table.notice : CONNECTION_LOST;
    update(draw(table.rows(), { ...size(), now: clock.now(), isColored, heading, notice }).join('\n'));
  };
  return {
    maxFollowed: () => Math.min(MAX_FOLLOWED, maxRows(size().height)),
    show() {
      if (!isClosed) cancel ??= clock.after(REDRAW_MS, redraw);
    },
    close(lastLine) {
      if (isClosed) return;
      isClosed = true;
      cancel?.();
      redraw();
      update.done();
      output.write(`${SHOW_CURSOR}${lastLine === undefined ? '' : `${lastLine}\n`}`);
    },
  };
}

/** One line per change of a status or a percentage; of a step when the number of steps is unknown. */
export function createLineView({ output, table, clock }: ViewOptions): View {
  const printed = new Map<string, string>();
  let wasConnected = true;
  let lastNotice: string | undefined;
  const print = (text: string) =>
    output.write(`${new Date(clock.now()).toISOString().replace(/\.\d+/, '')}  ${text}\n`);
  return {
    maxFollowed: () => MAX_FOLLOWED,
    show() {
      const rows = table.rows();
      for (const row of rows.toReversed()) {
        const key = keyOf(row);
        if (printed.get(row.job.id) === key) continue;
        printed.set(row.job.id, key);
        print(plainLine(row, clock.now()));
      }
      const ids = new Set(rows.map(({ job }) => job.id));
      for (const id of printed.keys()) if (!ids.has(id)) printed.delete(id);
      if (table.isConnected !== wasConnected)
        print(table.isConnected ? 'Connection to the gateway restored.' : CONNECTION_LOST);
      wasConnected = table.isConnected;
      if (table.notice !== undefined && table.notice !== lastNotice) print(clean(table.notice));
      lastNotice = table.notice;
    },
    close(lastLine) {
      if (lastLine !== undefined) print(lastLine);
    },
  };
}

function keyOf(row: Row): string {
  const fraction = fractionOf(row);
  return `${row.job.rawStatus} ${fraction === null ? row.progress?.step : percentOf(fraction)}`;
}

/** One job as text. */
function plainLine(row: Row, now: number): string {
  const { step, totalSteps } = row.progress ?? {};
  const curve = curveOf(row);
  const left = secondsLeft(row, now);
  const parts = [
    statusOf(row.job),
    percentOf(fractionOf(row)),
    step == null ? '' : `step ${step}${totalSteps == null ? '' : ` of ${totalSteps}`}`,
    curve ? `${curve.label} ${curve.last}` : '',
    left === null ? '' : `${duration(left)} left`,
    titleOf(row.job),
  ];
  return parts.filter(Boolean).join('  ');
}
