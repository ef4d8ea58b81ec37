import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { shownTheme } from '../app/theme.tsx';
import type { Line } from './panel-data.ts';
import { plotOptions, shownRange } from './plot-options.ts';
import { followTouches } from './touch.ts';
import type { Range } from './view.ts';
import type { XAxis } from './x-axis.ts';

interface PlotProps {
  title: string;
  axis: XAxis;
  xs: readonly number[];
  lines: readonly Line[];
  marks: readonly number[];
  isLog: boolean;
  range: Range | null;
  cursor: number | null;
  onCursor: (index: number | null) => void;
  onZoom: (range: Range | null) => void;
}

const OUTSIDE = { left: -10, top: -10 };

/** A drawing of one panel. It is for the eyes: the keys, the announcement and the table belong to its owner. */
export function Plot(props: PlotProps) {
  const { title, axis, xs, lines, marks, isLog, range, cursor } = props;
  const holder = useRef<HTMLDivElement>(null);
  const newest = useRef(props);
  newest.current = props;
  const plot = useRef<uPlot>(null);
  const isChanging = useRef(false);
  /** The crosshair stays on its step, not on its pixel. */
  const change = (changed: uPlot, run: () => void) => {
    isChanging.current = true;
    changed.batch(run);
    isChanging.current = false;
  };
  const theme = shownTheme.value;
  const form = [axis, isLog, theme, ...lines.map(({ label, isFaint }) => `${label} ${isFaint}`)].join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the form decides; all else is set without a new plot.
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const created = new uPlot(
      plotOptions({
        axis,
        isLog,
        lines,
        width: element.clientWidth,
        state: () => newest.current,
        onCursor: (index) => isChanging.current || newest.current.onCursor(index),
        onZoom: (zoomed) => newest.current.onZoom(zoomed),
      }),
      dataOf(xs, lines),
      element,
    );
    plot.current = created;
    followTouches(created.over, {
      range: () => shownRange(newest.current),
      whole: () => shownRange({ xs: newest.current.xs, range: null }),
      isZoomed: () => newest.current.range !== null,
      onRange: (touched) => newest.current.onZoom(touched),
      onPoint: (part) => created.setCursor({ left: part * created.over.clientWidth, top: 1 }),
    });
    const resize = () => created.setSize({ width: element.clientWidth, height: created.height });
    const observer = new ResizeObserver(() => change(created, resize));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [form]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot reads its marks and its range while it draws.
  useEffect(() => {
    const { current } = plot;
    if (current !== null) change(current, () => current.setData(dataOf(xs, lines)));
  }, [xs, lines, marks, range]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot or another range moves the crosshair.
  useEffect(() => {
    if (plot.current !== null) moveCursor(plot.current, cursor, cursor === null ? undefined : xs[cursor]);
  }, [cursor, xs, range, form]);

  return <div ref={holder} class="plot" data-plot={title} />;
}

function moveCursor(plot: uPlot, index: number | null, x: number | undefined): void {
  const isThere = plot.cursor.idx === index && (plot.cursor.left ?? -1) >= 0;
  if (x === undefined) plot.setCursor(OUTSIDE, false);
  else if (!isThere) plot.setCursor({ left: plot.valToPos(x, 'x'), top: 1 }, false);
}

const dataOf = (xs: readonly number[], lines: readonly Line[]): uPlot.AlignedData => [
  [...xs],
  ...lines.map(({ values }) => values),
];
