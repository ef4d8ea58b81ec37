import { styleText } from 'node:util';
import { bar, duration, sparkline } from './charts.ts';
import { curveOf, fractionOf, percentOf, secondsLeft, statusOf, titleOf } from './describe.ts';
import type { Job } from './job.ts';
import type { Row } from './job-table.ts';
import { clean, padded, truncate } from './text.ts';

export interface Frame {
  /** Size of the terminal in columns and lines. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly isColored: boolean;
  /** The first line, and an optional last line. */
  readonly heading: string;
  readonly notice: string | undefined;
}

const GAP = '  ';
const [STATUS, BAR, PERCENT, LEFT, FIGURE, TITLE] = [10, 10, 5, 7, 7, 16];
/** Lines besides the jobs: heading, notice, and the line of the cursor. */
const OTHER_LINES = 3;

/** Maximum jobs in a terminal of this height. */
export const maxRows = (height: number): number => Math.max(1, height - OTHER_LINES);

/** The lines of the table, one per visible job. No line is wider than the terminal. */
export function draw(rows: readonly Row[], frame: Frame): string[] {
  const { width, height, heading, notice } = frame;
  const max = maxRows(height);
  const visible = rows.length > max ? rows.slice(0, Math.max(1, max - 1)) : rows;
  const hidden = rows.length - visible.length;
  const lines = [
    paint(frame, 'bold', truncate(clean(heading), width)),
    ...visible.map((row) => line(row, frame)),
    ...(hidden > 0 && max > 1 ? [paint(frame, 'dim', truncate(`… and ${hidden} more`, width))] : []),
    ...(notice === undefined ? [] : [paint(frame, 'yellow', truncate(clean(notice), width))]),
  ];
  return lines.slice(0, Math.max(1, height - 1));
}

/** One job: its status, its title, and as many other cells as fit, the most important first. */
function line(row: Row, frame: Frame): string {
  const { width, now } = frame;
  const status = padded(statusOf(row.job), Math.min(STATUS, width));
  const cells = [paint(frame, colorOf(row.job), status)];
  let free = width - STATUS - GAP.length - TITLE;
  const addIfFits = (size: number, cell: () => string) => {
    if (free < size + GAP.length) return;
    free -= size + GAP.length;
    cells.push(cell());
  };
  const fraction = fractionOf(row);
  addIfFits(BAR + 1 + PERCENT, () => `${bar(fraction, BAR)} ${percentOf(fraction).padStart(PERCENT)}`);
  const left = secondsLeft(row, now);
  addIfFits(LEFT, () => padded(left === null ? '' : duration(left), LEFT));
  const curveWidth = Math.min(40, Math.max(8, Math.floor((free - FIGURE) / 3)));
  addIfFits(curveWidth + 1 + FIGURE, () => curveCell(row, curveWidth, frame));
  const title = truncate(titleOf(row.job), free + TITLE);
  return title && free + TITLE > 0 ? [...cells, title].join(GAP) : cells.join(GAP);
}

function curveCell(row: Row, width: number, frame: Frame): string {
  const curve = curveOf(row);
  if (!curve) return ' '.repeat(width + 1 + FIGURE);
  const blocks = sparkline(curve.values, width).padStart(width);
  return `${paint(frame, curve.label === 'reward' ? 'magenta' : 'cyan', blocks)} ${curve.last.padEnd(FIGURE)}`;
}

type Style = Parameters<typeof styleText>[0];

/** `isColored` decides, not the output of this process. */
const paint = ({ isColored }: Frame, style: Style, text: string): string =>
  isColored ? styleText(style, text, { validateStream: false }) : text;

function colorOf({ status, isTerminal }: Job): Style {
  if (status === 'SUCCEEDED') return 'green';
  if (status === 'FAILED') return 'red';
  if (isTerminal) return 'dim';
  return status === 'RUNNING' ? 'blue' : 'yellow';
}
