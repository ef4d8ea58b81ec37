import { metricsUrl } from '../data/download.ts';
import { DownloadLink } from '../ui/download-link.tsx';
import { formatNumber } from '../ui/formats.ts';
import { type ChartJob, saveChart } from './chart-image.ts';
import type { Panel, Point } from './metric.ts';
import type { View, ViewChange } from './view.ts';
import { ViewControls } from './view-controls.tsx';
import { axisDenialOf, X_AXES, type XAxis } from './x-axis.ts';

const AXIS_NAMES: Readonly<Record<XAxis, string>> = { step: 'Step', epoch: 'Epoch', time: 'Time' };

interface CurveToolbarProps {
  job: ChartJob;
  points: readonly Point[];
  totalPoints: number;
  stepsPerEpoch: number | null;
  view: View;
  /** The shown axis: steps when the chosen one is not available. */
  axis: XAxis;
  panels: readonly Panel[];
  onView: ViewChange;
}

export function CurveToolbar(props: CurveToolbarProps) {
  const { job, points, totalPoints, stepsPerEpoch, view, axis, panels, onView } = props;
  const denials = X_AXES.flatMap((name) => {
    const denial = axisDenialOf(name, points, stepsPerEpoch);
    return denial === null ? [] : [{ name, denial }];
  });
  return (
    <div class="curve-toolbar">
      <fieldset class="segments" aria-label="X axis">
        {X_AXES.map((name) => {
          const denial = denials.find((each) => each.name === name)?.denial ?? null;
          return (
            <button
              key={name}
              type="button"
              class="segment"
              aria-pressed={axis === name}
              aria-disabled={denial !== null}
              aria-describedby={denial === null ? undefined : `denial-${name}`}
              onClick={() => denial === null && onView({ x: name })}
            >
              {AXIS_NAMES[name]}
            </button>
          );
        })}
      </fieldset>
      <ViewControls view={view} onView={onView} />
      <fieldset class="exports" aria-label="Export">
        <DownloadLink url={metricsUrl(job.id, 'csv')} filename={`${job.id}-metrics.csv`}>
          CSV
        </DownloadLink>
        <DownloadLink url={metricsUrl(job.id, 'json')} filename={`${job.id}-metrics.json`}>
          JSON
        </DownloadLink>
        <button type="button" class="button" onClick={() => saveChart(job, panels, view.hidden)}>
          PNG
        </button>
      </fieldset>
      {denials.length > 0 && (
        <p class="quiet axis-denials">
          {denials.map(({ name, denial }) => (
            <span key={name} id={`denial-${name}`}>
              {AXIS_NAMES[name]}: {denial}
            </span>
          ))}
        </p>
      )}
      {totalPoints > points.length && (
        <p class="quiet">
          Shows {formatNumber(points.length)} of {formatNumber(totalPoints)} steps. The exports have all of them.
        </p>
      )}
    </div>
  );
}
