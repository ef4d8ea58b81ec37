import type uPlot from 'uplot';
import type { Line } from './panel-data.ts';
import type { Range } from './view.ts';
import type { XAxis } from './x-axis.ts';

/** The state that a plot reads at each drawing. */
export interface PlotState {
  readonly xs: readonly number[];
  readonly range: Range | null;
  /** Positions of the checkpoints on the x axis. */
  readonly marks: readonly number[];
}

export interface PlotSpec {
  readonly axis: XAxis;
  readonly isLog: boolean;
  readonly lines: readonly Line[];
  readonly width: number;
  readonly state: () => PlotState;
  readonly onCursor: (index: number | null) => void;
  readonly onZoom: (range: Range | null) => void;
}

const HEIGHT = 240;
const FONT = '12px system-ui, sans-serif';
const AXIS_WIDTH = 58;
/** Distances between two labels of an axis of steps, which has no fractions. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

export function plotOptions(spec: PlotSpec): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const color = (variable: string) => resolveColor(styles.getPropertyValue(variable));
  const quiet = color('--text-quiet');
  const background = color('--background');
  const colors = spec.lines.map((line) => color(line.color));
  const axis = {
    stroke: quiet,
    font: FONT,
    grid: { stroke: color('--grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: spec.width,
    height: HEIGHT,
    legend: { show: false },
    padding: [10, 24, 0, 0],
    scales: {
      x: { time: spec.axis === 'time', range: () => shownRange(spec.state()) },
      y: spec.isLog ? { distr: 3 } : {},
    },
    axes: [
      { ...axis, size: 30, ...(spec.axis === 'step' && { incrs: WHOLE_STEPS }) },
      { ...axis, size: AXIS_WIDTH, values: (_plot, splits) => splits.map(tickText) },
    ],
    series: [{}, ...spec.lines.map((line, index) => seriesOf(line, colors[index] ?? quiet, background))],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      // A ring: without a width, it is a disc that hides the point.
      points: { size: 10, width: 2.5, fill: background, stroke: (_plot, series) => colors[series - 1] ?? quiet },
      move: (plot, left, top) => [snap(plot, left), top],
      bind: { dblclick: () => showAll(spec) },
    },
    hooks: {
      setCursor: [({ cursor }) => spec.onCursor((cursor.left ?? -1) < 0 ? null : (cursor.idx ?? null))],
      setSelect: [(plot) => zoomToSelection(plot, spec.onZoom)],
      drawAxes: [(plot) => drawMarks(plot, spec.state().marks, quiet)],
    },
  };
}

/** Replaces the handler of uPlot for a double click. */
const showAll =
  ({ onZoom }: PlotSpec) =>
  () => {
    onZoom(null);
    return null;
  };

/** Canvas does not know `light-dark()`. */
function resolveColor(value: string): string {
  const probe = document.createElement('span');
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function seriesOf({ isFaint, isSparse }: Line, stroke: string, fill: string): uPlot.Series {
  return {
    stroke,
    alpha: isFaint ? 0.3 : 1,
    width: isFaint ? 1 : 1.75,
    spanGaps: true,
    points: isFaint ? { show: false } : isSparse ? { show: true, size: 7, fill } : { fill },
  };
}

/** All steps, or the zoomed part. A single step is in the middle. */
export function shownRange({ xs, range }: Pick<PlotState, 'xs' | 'range'>): [number, number] {
  if (range !== null) return [...range];
  const first = xs[0] ?? 0;
  const last = xs.at(-1) ?? 1;
  return first === last ? [first - 1, last + 1] : [first, last];
}

const tickText = (value: number | null): string =>
  value === null
    ? ''
    : Math.abs(value) < 1e-3 && value !== 0
      ? value.toExponential(0)
      : String(Number(value.toPrecision(4)));

/** The crosshair stands on measured steps only. */
function snap(plot: uPlot, left: number): number {
  const x = left < 0 ? undefined : plot.data[0][plot.posToIdx(left)];
  return x === undefined ? left : plot.valToPos(x, 'x');
}

function zoomToSelection(plot: uPlot, onZoom: (range: Range) => void): void {
  const { left, width } = plot.select;
  if (width < 4) return; // A click.
  const range = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')] as const;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom(range);
}

/** A dashed line for each checkpoint. */
function drawMarks(plot: uPlot, marks: readonly number[], stroke: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.fillStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top - size);
    ctx.lineTo(x + size, bbox.top - size);
    ctx.lineTo(x, bbox.top + size);
    ctx.fill();
  }
  ctx.restore();
}
