import { styleText } from 'node:util';
import { bar, duration, sparkline } from './charts.ts';
import { curveOf, fractionOf, percentOf, secondsLeft, statusOf, titleOf } from './describe.ts';
import type { Job } from './job.ts';
import type { Row } from './job-table.ts';
import { clean, cut, padded } from './text.ts';

export interface Frame {
  /** Columns and lines of the terminal. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly isColored: boolean;
  /** What stands above the jobs, and below them if there is something. */
  readonly heading: string;
  readonly notice: string | undefined;
}

const GAP = '  ';
const [STATUS, BAR, PERCENT, LEFT, FIGURE, TITLE] = [10, 10, 5, 7, 7, 16];
/** Lines that are not jobs: heading, notice, and where the cursor stands. */
const OTHER_LINES = 3;

/** How many jobs there is room for. */
export const roomIn = (height: number): number => Math.max(1, height - OTHER_LINES);

/** The picture, a line for each job that there is room for. No line is wider than the terminal. */
export function draw(rows: readonly Row[], frame: Frame): string[] {
  const { width, height, heading, notice } = frame;
  const room = roomIn(height);
  const shown = rows.length > room ? rows.slice(0, Math.max(1, room - 1)) : rows;
  const more = rows.length - shown.length;
  const lines = [
    paint(frame, 'bold', cut(clean(heading), width)),
    ...shown.map((row) => line(row, frame)),
    ...(more > 0 && room > 1 ? [paint(frame, 'dim', cut(`… and ${more} more`, width))] : []),
    ...(notice === undefined ? [] : [paint(frame, 'yellow', cut(clean(notice), width))]),
  ];
  return lines.slice(0, Math.max(1, height - 1));
}

/** A job: what there is room for beside its status and its title, the most important first. */
function line(row: Row, frame: Frame): string {
  const { width, now } = frame;
  const status = padded(statusOf(row.job), Math.min(STATUS, width));
  const cells = [paint(frame, colourOf(row.job), status)];
  let room = width - STATUS - GAP.length - TITLE;
  const take = (size: number, cell: () => string) => {
    if (room < size + GAP.length) return;
    room -= size + GAP.length;
    cells.push(cell());
  };
  const fraction = fractionOf(row);
  take(BAR + 1 + PERCENT, () => `${bar(fraction, BAR)} ${percentOf(fraction).padStart(PERCENT)}`);
  const left = secondsLeft(row, now);
  take(LEFT, () => padded(left === null ? '' : duration(left), LEFT));
  const spark = Math.min(40, Math.max(8, Math.floor((room - FIGURE) / 3)));
  take(spark + 1 + FIGURE, () => curveCell(row, spark, frame));
  const title = cut(titleOf(row.job), room + TITLE);
  return title && room + TITLE > 0 ? [...cells, title].join(GAP) : cells.join(GAP);
}

function curveCell(row: Row, width: number, frame: Frame): string {
  const curve = curveOf(row);
  if (!curve) return ' '.repeat(width + 1 + FIGURE);
  const blocks = sparkline(curve.values, width).padStart(width);
  return `${paint(frame, curve.label === 'reward' ? 'magenta' : 'cyan', blocks)} ${curve.last.padEnd(FIGURE)}`;
}

type Style = Parameters<typeof styleText>[0];

/** Whether the terminal has colours is known already, and not asked of this process's own. */
const paint = ({ isColored }: Frame, style: Style, text: string): string =>
  isColored ? styleText(style, text, { validateStream: false }) : text;

function colourOf({ status, isTerminal }: Job): Style {
  if (status === 'SUCCEEDED') return 'green';
  if (status === 'FAILED') return 'red';
  if (isTerminal) return 'dim';
  return status === 'RUNNING' ? 'blue' : 'yellow';
}
