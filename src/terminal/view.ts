import { createLogUpdate } from 'log-update';
import type { Clock } from '../clock.ts';
import { duration } from './charts.ts';
import { curveOf, fractionOf, percentOf, secondsLeft, statusOf, titleOf } from './describe.ts';
import { draw, roomIn } from './draw.ts';
import type { JobTable, Row } from './job-table.ts';
import { clean } from './text.ts';

/** Where the picture goes: a terminal, which has a size, or anything else. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

export interface View {
  /** How many jobs there is room for. */
  maxFollowed(): number;
  /** Shows what is on the board now. */
  show(): void;
  /** Leaves the output as it was found, with the last picture and a last line. */
  close(lastLine?: string): void;
}

export interface ViewOptions {
  readonly output: Output;
  readonly table: JobTable;
  readonly clock: Clock;
  readonly heading: string;
  readonly isColored: boolean;
}

/** A gateway follows at most 100 things for one client. */
const MAX_FOLLOWED = 50;
/** The eye sees no more. */
const REDRAW_MS = 100;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** A picture that is drawn again and again in the same place. */
export function createTerminalView({ output, table, clock, heading, isColored }: ViewOptions): View {
  const update = createLogUpdate(output, { showCursor: true }); // It would hide that of another stream.
  const size = () => ({ width: output.columns || 80, height: output.rows || 24 });
  let cancel: (() => void) | undefined;
  let isClosed = false;
  output.write(HIDE_CURSOR);
  const redraw = () => {
    cancel = undefined;
    const notice = table.isConnected ? table.notice : 'The gateway has gone; trying again.';
    update(draw(table.rows(), { ...size(), now: clock.now(), isColored, heading, notice }).join('\n'));
  };
  return {
    maxFollowed: () => Math.min(MAX_FOLLOWED, roomIn(size().height)),
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

/** A line for each change: of a status, of a percent, and of a step where nobody knows how many there will be. */
export function createLineView({ output, table, clock }: ViewOptions): View {
  const shown = new Map<string, string>();
  let wasConnected = true;
  let lastNotice: string | undefined;
  const say = (text: string) => output.write(`${new Date(clock.now()).toISOString().replace(/\.\d+/, '')}  ${text}\n`);
  return {
    maxFollowed: () => MAX_FOLLOWED,
    show() {
      const rows = table.rows();
      for (const row of rows.toReversed()) {
        const key = keyOf(row);
        if (shown.get(row.job.id) === key) continue;
        shown.set(row.job.id, key);
        say(plainLine(row, clock.now()));
      }
      const ids = new Set(rows.map(({ job }) => job.id));
      for (const id of shown.keys()) if (!ids.has(id)) shown.delete(id);
      if (table.isConnected !== wasConnected)
        say(table.isConnected ? 'The gateway is there again.' : 'The gateway has gone; trying again.');
      wasConnected = table.isConnected;
      if (table.notice !== undefined && table.notice !== lastNotice) say(clean(table.notice));
      lastNotice = table.notice;
    },
    close(lastLine) {
      if (lastLine !== undefined) say(lastLine);
    },
  };
}

function keyOf(row: Row): string {
  const fraction = fractionOf(row);
  return `${row.job.rawStatus} ${fraction === null ? row.progress?.step : percentOf(fraction)}`;
}

/** All that the picture has of a job, in words. */
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
