import { useRef, useState } from 'preact/hooks';
import { shownRange } from './plot-options.ts';
import type { Range } from './view.ts';

interface CrosshairOptions {
  /** The measured steps, ascending. */
  readonly steps: readonly number[];
  /** Their positions on the x axis. */
  readonly xs: readonly number[];
  /** The zoomed part of the x axis; null for all of it. */
  readonly range: Range | null;
  readonly onZoom: (range: Range | null) => void;
  /** Called when a key has moved the crosshair to the step of this index, or away: null. */
  readonly onMove: (index: number | null) => void;
}

/** The crosshair of a chart, with its keys. It stays on its step while others are added. */
export function useCrosshair(options: CrosshairOptions) {
  const newest = useRef(options);
  newest.current = options;
  const [step, setStep] = useState<number | null>(null);
  const index = step === null ? -1 : options.steps.indexOf(step);
  const cursor = index < 0 ? null : index;
  const setCursor = (to: number | null) => setStep(to === null ? null : (newest.current.steps[to] ?? null));

  function onKeyDown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { xs, range, onZoom, onMove } = options;
    const zoomed = zoomedBy(event.key, shownRange({ xs, range }), shownRange({ xs, range: null }), xs[cursor ?? -1]);
    const moved = moveCrosshair(event.key, cursor, shownIndexes(xs, shownRange({ xs, range })));
    if (zoomed === undefined && moved === undefined) return;
    event.preventDefault();
    if (zoomed !== undefined) onZoom(zoomed);
    else if (moved !== undefined) {
      setCursor(moved);
      onMove(moved);
    }
  }

  return { cursor, setCursor, onKeyDown };
}

/** The index of the point after a key; null for none. `undefined` when the key does not move the crosshair. */
export function moveCrosshair(
  key: string,
  index: number | null,
  shown: { readonly first: number; readonly last: number },
): number | null | undefined {
  const { first, last } = shown;
  const page = Math.max(1, Math.round((last - first) / 10));
  const by = (steps: number) =>
    index === null ? (steps > 0 ? first : last) : Math.min(last, Math.max(first, index + steps));
  switch (key) {
    case 'ArrowRight':
      return by(1);
    case 'ArrowLeft':
      return by(-1);
    case 'PageDown':
      return by(page);
    case 'PageUp':
      return by(-page);
    case 'Home':
      return first;
    case 'End':
      return last;
    case 'Escape':
      return null;
    default:
      return undefined;
  }
}

/** The indexes of the first and the last shown point of ascending positions. */
export function shownIndexes(xs: readonly number[], range: readonly [number, number]): { first: number; last: number } {
  const first = xs.findIndex((x) => x >= range[0]);
  const last = xs.findLastIndex((x) => x <= range[1]);
  return first < 0 || last < first ? { first: 0, last: Math.max(0, xs.length - 1) } : { first, last };
}

/** Half or twice the range, with `center` at the same place of the plot. Null when all is shown. */
export function zoomAround(
  range: readonly [number, number],
  whole: readonly [number, number],
  center: number,
  factor: number,
): readonly [number, number] | null {
  const from = Math.max(whole[0], center - (center - range[0]) * factor);
  const to = Math.min(whole[1], center + (range[1] - center) * factor);
  return from <= whole[0] && to >= whole[1] ? null : [from, to];
}

/** The range after a key, around a position or the middle: null shows all. `undefined` when the key does not zoom. */
export function zoomedBy(
  key: string,
  shown: readonly [number, number],
  whole: readonly [number, number],
  position: number | undefined,
): readonly [number, number] | null | undefined {
  if (key === '0') return null;
  if (key !== '+' && key !== '=' && key !== '-') return undefined;
  return zoomAround(shown, whole, position ?? (shown[0] + shown[1]) / 2, key === '-' ? 2 : 0.5);
}
