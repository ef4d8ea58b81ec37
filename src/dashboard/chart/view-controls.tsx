import type { View, ViewChange } from './view.ts';

/** The controls of a view that all charts have: smoothing, a logarithmic y axis, and the end of a zoom. */
export function ViewControls({ view, onView }: { view: View; onView: ViewChange }) {
  return (
    <>
      <label class="slider">
        Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={view.smooth}
          onInput={(event) => onView({ smooth: Number(event.currentTarget.value) })}
        />
        <output>{view.smooth.toFixed(2)}</output>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={view.isLog}
          onChange={(event) => onView({ isLog: event.currentTarget.checked })}
        />
        Log y
      </label>
      <button type="button" class="button" disabled={view.range === null} onClick={() => onView({ range: null })}>
        Reset zoom
      </button>
    </>
  );
}
