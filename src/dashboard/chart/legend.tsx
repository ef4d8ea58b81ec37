import { formatMetric } from '../ui/formats.ts';
import type { MetricKey, Panel, Point } from './metric.ts';
import type { ViewChange } from './view.ts';

interface LegendProps {
  panel: Panel;
  hidden: ReadonlySet<MetricKey>;
  /** The point whose values are shown. */
  shown: Point | undefined;
  onView: ViewChange;
}

/** The curves of a panel with their values. A click hides or shows a curve. */
export function Legend({ panel, hidden, shown, onView }: LegendProps) {
  const toggle = (key: MetricKey) => {
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    onView({ hidden: next });
  };
  return (
    <div class="legend">
      {panel.metrics.map(({ key, label, color }) => {
        const value = shown?.[key] ?? null;
        return (
          <button
            key={key}
            type="button"
            class="legend-item"
            aria-pressed={!hidden.has(key)}
            title={hidden.has(key) ? 'Show this curve' : 'Hide this curve'}
            onClick={() => toggle(key)}
          >
            <span class={`swatch swatch${color}`} />
            {label}
            <span class="legend-value">{value === null ? '–' : formatMetric(value)}</span>
          </button>
        );
      })}
    </div>
  );
}
