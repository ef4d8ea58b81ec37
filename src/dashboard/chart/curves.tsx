import { computed } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import { searchParams, setSearchParams } from '../app/router.ts';
import type { ChartJob } from './chart-image.ts';
import { shownIndexes, useCrosshair } from './crosshair.ts';
import { CurveTable } from './curve-table.tsx';
import { CurveToolbar } from './curve-toolbar.tsx';
import { Legend } from './legend.tsx';
import { METRICS, measuredPanels, type Panel, type Point } from './metric.ts';
import { linesOf, newestValues } from './panel-data.ts';
import { Plot } from './plot.tsx';
import { shownRange } from './plot-options.ts';
import { pointText, positionText } from './point-text.ts';
import { type Range, readCurveView, type View, type ViewChange, viewParams } from './view.ts';
import { axisDenialOf, xValues } from './x-axis.ts';

export interface CurvesProps {
  job: ChartJob;
  points: readonly Point[];
  /** Number of steps that the gateway knows: more than `points` when the curve is downsampled. */
  totalPoints: number;
  checkpointSteps: readonly number[];
  stepsPerEpoch: number | null;
}

const currentView = computed(() => readCurveView(searchParams.value));
const changeView: ViewChange = (change) => setSearchParams(viewParams(change));

/** The curves of a job, with all that moves, explains and exports them. */
export function Curves({ job, points, totalPoints, checkpointSteps, stepsPerEpoch }: CurvesProps) {
  const view = currentView.value;
  const axis = axisDenialOf(view.x, points, stepsPerEpoch) === null ? view.x : 'step';
  const range = axis === view.x ? view.range : null;
  const xs = useMemo(() => xValues(axis, points, stepsPerEpoch), [axis, points, stepsPerEpoch]);
  const panels = useMemo(() => measuredPanels(points), [points]);
  const marks = useMemo(
    () => checkpointSteps.flatMap((step) => xs[points.findIndex((point) => point.step === step)] ?? []),
    [checkpointSteps, points, xs],
  );
  const [announced, setAnnounced] = useState('');
  const steps = useMemo(() => points.map(({ step }) => step), [points]);
  const announce = (index: number | null) => {
    const point = points[index ?? -1];
    setAnnounced(point === undefined ? '' : pointText(point, METRICS, checkpointSteps.includes(point.step)));
  };
  const onZoom = (zoomed: Range | null) => changeView({ range: zoomed });
  const { cursor, setCursor, onKeyDown } = useCrosshair({ steps, xs, range, onZoom, onMove: announce });
  const newest = useMemo(() => newestValues(points), [points]);
  const shown = cursor === null ? newest : points[cursor];

  return (
    <>
      <CurveToolbar {...{ job, points, totalPoints, stepsPerEpoch, view, axis, panels }} onView={changeView} />
      <p class="curve-position">
        {shown && positionText(shown, stepsPerEpoch)}
        {cursor === null && <span class="quiet"> (newest)</span>}
        {shown && checkpointSteps.includes(shown.step) && <span class="quiet"> · checkpoint</span>}
      </p>
      <div
        class="curves"
        role="application"
        aria-roledescription="chart"
        aria-label="Curves by step. The arrow keys move the crosshair, + and - zoom, 0 shows all."
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys move the crosshair.
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {panels.map((panel) => (
          <PanelView key={panel.title} {...{ panel, points, view, axis, xs, marks, range, cursor, shown, setCursor }} />
        ))}
      </div>
      <div class="visually-hidden" aria-live="polite" data-announced>
        {announced}
      </div>
      <CurveTable {...{ points, checkpointSteps, panels }} shown={shownIndexes(xs, shownRange({ xs, range }))} />
    </>
  );
}

interface PanelViewProps {
  panel: Panel;
  points: readonly Point[];
  view: View;
  axis: View['x'];
  xs: readonly number[];
  marks: readonly number[];
  range: Range | null;
  cursor: number | null;
  shown: Point | undefined;
  setCursor: (index: number | null) => void;
}

function PanelView({ panel, points, view, shown, setCursor, ...place }: PanelViewProps) {
  const lines = useMemo(() => linesOf(panel, points, view), [panel, points, view]);
  return (
    <section class="panel">
      <h3>{panel.title}</h3>
      <Legend panel={panel} hidden={view.hidden} shown={shown} onView={changeView} />
      <Plot
        {...place}
        title={panel.title}
        lines={lines}
        isLog={view.isLog}
        onCursor={setCursor}
        onZoom={(zoomed) => changeView({ range: zoomed })}
      />
    </section>
  );
}
