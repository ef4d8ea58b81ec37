import { computed } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import { searchParams, setSearchParams } from '../app/router.ts';
import { useCrosshair } from '../chart/crosshair.ts';
import { METRICS } from '../chart/metric.ts';
import type { Line } from '../chart/panel-data.ts';
import { Plot } from '../chart/plot.tsx';
import { type Range, readCurveView, type ViewChange, viewParams } from '../chart/view.ts';
import { ViewControls } from '../chart/view-controls.tsx';
import { formatMetric, formatNumber } from '../ui/formats.ts';
import type { Compared } from './differences.ts';
import { JobLabel } from './job-label.tsx';
import { COMPARE_AXES, type CompareAxis, endedBefore, overlayOf, valueAt } from './overlay.ts';

const currentView = computed(() => readCurveView(searchParams.value));
const changeView: ViewChange = (change) => setSearchParams(viewParams(change));
const AXIS_NAMES: Readonly<Record<CompareAxis, string>> = { step: 'Step', percent: 'Percent of steps' };
const NO_MARKS: readonly number[] = [];

/** The curves of one metric of all jobs. */
export function ComparedCurves({ compared }: { compared: readonly Compared[] }) {
  const view = currentView.value;
  const measured = METRICS.filter(({ key }) =>
    compared.some(({ points }) => points.some((point) => point[key] !== null)),
  );
  const metric = measured.find(({ key }) => key === searchParams.value.get('metric')) ?? measured[0];
  const key = metric?.key ?? 'trainLoss';
  const axis = COMPARE_AXES.find((name) => name === searchParams.value.get('x')) ?? 'step';
  const { smooth, isLog, range } = view;
  const { xs, lines, rawLines } = useMemo(
    () => overlayOf(compared, key, axis, { smooth, isLog }),
    [compared, key, axis, smooth, isLog],
  );
  const allLines = useMemo(() => [...rawLines, ...lines], [rawLines, lines]);
  const [announced, setAnnounced] = useState('');
  const onZoom = (zoomed: Range | null) => changeView({ range: zoomed });
  const announce = (index: number | null) =>
    setAnnounced(index === null ? '' : textAt(index, axis, xs, compared, lines));
  const { cursor, setCursor, onKeyDown } = useCrosshair({ steps: xs, xs, range, onZoom, onMove: announce });
  if (metric === undefined) return <p class="quiet">None of these jobs has a measured step.</p>;
  const position = cursor ?? xs.length - 1;
  return (
    <>
      <div class="curve-toolbar">
        <select
          class="input"
          aria-label="Metric"
          value={key}
          onChange={(event) => setSearchParams({ metric: event.currentTarget.value })}
        >
          {measured.map(({ key: name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
        <fieldset class="segments" aria-label="X axis">
          {COMPARE_AXES.map((name) => (
            <button
              key={name}
              type="button"
              class="segment"
              aria-pressed={axis === name}
              onClick={() => setSearchParams({ x: name === 'step' ? null : name, zoom: null })}
            >
              {AXIS_NAMES[name]}
            </button>
          ))}
        </fieldset>
        <ViewControls view={view} onView={changeView} />
      </div>
      <div
        class="curves compare-curves"
        role="application"
        aria-roledescription="chart"
        aria-label="Curves by step. The arrow keys move the crosshair, + and - zoom, 0 shows all."
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys move the crosshair.
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <Plot
          title={metric.label}
          axis={axis === 'step' ? 'step' : 'epoch'} // The axis of epochs has fractions.
          marks={NO_MARKS}
          onCursor={setCursor}
          onZoom={onZoom}
          lines={allLines}
          {...{ xs, isLog, range, cursor }}
        />
      </div>
      <div class="visually-hidden" aria-live="polite" data-announced>
        {announced}
      </div>
      <div class="compare-legend">
        <p class="quiet">{positionText(axis, xs[position])}</p>
        {compared.map((each, index) => {
          const { job } = each;
          const line = lines[index];
          const value = line === undefined ? null : valueAt(line, position);
          const ended = endedBefore(each, axis, xs[position] ?? 0);
          return (
            <span key={job.id} class="compare-value">
              <JobLabel job={job} index={index} />
              <strong>{value === null ? '–' : formatMetric(value)}</strong>
              {value !== null && ended !== null && <span class="quiet">last, step {formatNumber(ended)}</span>}
            </span>
          );
        })}
      </div>
    </>
  );
}

/** The values at a position, for screen readers. */
function textAt(
  position: number,
  axis: CompareAxis,
  xs: readonly number[],
  compared: readonly Compared[],
  lines: readonly Line[],
): string {
  const x = xs[position] ?? 0;
  const values = compared.flatMap((each, index) => {
    const { job } = each;
    const line = lines[index];
    const value = line === undefined ? null : valueAt(line, position);
    const ended = endedBefore(each, axis, x);
    const note = ended === null ? '' : ` (last, step ${formatNumber(ended)})`;
    return value === null ? [] : [`${index + 1}. ${job.suffix || job.id} ${formatMetric(value)}${note}`];
  });
  return `${positionText(axis, x)}: ${values.join(', ')}`;
}

const positionText = (axis: CompareAxis, x = 0): string =>
  axis === 'step' ? `Step ${formatNumber(x)}` : `${x.toFixed(1)} % of the steps`;
