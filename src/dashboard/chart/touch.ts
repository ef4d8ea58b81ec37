import type { Range } from './view.ts';

/** The range of a chart that gestures read and change. */
export interface TouchTarget {
  /** The shown part of the x axis. */
  readonly range: () => Range;
  /** All of the x axis. */
  readonly whole: () => Range;
  readonly isZoomed: () => boolean;
  readonly onRange: (range: Range | null) => void;
  /** Moves the crosshair to a part of the plot's width, from 0 to 1. */
  readonly onPoint: (part: number) => void;
}

/**
 * Lets fingers change the range: two of them zoom, one moves the zoomed part, or the crosshair while all is shown. A vertical
 * drag scrolls the page: `touch-action` of the element allows it. A mouse has handlers of its own.
 */
export function followTouches(element: HTMLElement, target: TouchTarget): void {
  const fingers = new Map<number, number>();
  let start: { readonly range: Range; readonly fingers: readonly number[] } | null = null;

  const partOf = ({ clientX }: PointerEvent) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - left) / width));
  };
  const begin = () => {
    start = { range: target.range(), fingers: [...fingers.values()] };
  };

  function onDown(event: PointerEvent): void {
    if (event.pointerType === 'mouse' || fingers.size === 2) return;
    fingers.set(event.pointerId, partOf(event));
    begin();
  }

  function onMove(event: PointerEvent): void {
    if (start === null || !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, partOf(event));
    const [first = 0, second] = fingers.values();
    const [from = 0] = start.fingers;
    if (second !== undefined)
      target.onRange(pinchedRange(start.range, target.whole(), pinchOf(start.fingers), [first, second]));
    else if (target.isZoomed()) target.onRange(draggedRange(start.range, target.whole(), first - from));
    else target.onPoint(first);
  }

  /** The other finger goes on from where it is. */
  function onEnd(event: PointerEvent): void {
    if (fingers.delete(event.pointerId)) begin();
  }

  /** Two fingers never scroll the page, although `touch-action` allows it to one. */
  function onTouchMove(event: TouchEvent): void {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  }

  element.addEventListener('pointerdown', onDown);
  element.addEventListener('pointermove', onMove);
  element.addEventListener('pointerup', onEnd);
  element.addEventListener('pointercancel', onEnd);
  element.addEventListener('touchmove', onTouchMove, { passive: false });
}

const pinchOf = ([first = 0, second = 1]: readonly number[]): Pinch => [first, second];

/** Positions of two fingers as parts of the plot's width, from 0 to 1. */
export type Pinch = readonly [number, number];

/** Fingers that are closer together count as this distance: the zoom stays finite. */
const MIN_DISTANCE = 0.04;
/** The smallest range as a part of the whole. */
const MIN_PART = 1 / 5000;

/** The range in which both fingers stay on their values. Null when all is shown. */
export function pinchedRange(start: Range, whole: Range, from: Pinch, to: Pinch): Range | null {
  const factor = spreadOf(from) / spreadOf(to);
  const span = Math.max((start[1] - start[0]) * factor, (whole[1] - whole[0]) * MIN_PART);
  const held = start[0] + middleOf(from) * (start[1] - start[0]);
  const left = Math.max(whole[0], held - middleOf(to) * span);
  const right = Math.min(whole[1], left + span);
  return left <= whole[0] && right >= whole[1] ? null : [Math.max(whole[0], right - span), right];
}

/** The range after a drag over this part of the plot's width. It keeps its size at the ends of the curve. */
export function draggedRange(start: Range, whole: Range, part: number): Range {
  const span = start[1] - start[0];
  const left = Math.min(Math.max(start[0] - part * span, whole[0]), Math.max(whole[0], whole[1] - span));
  return [left, left + span];
}

const spreadOf = ([first, second]: Pinch) => Math.max(Math.abs(second - first), MIN_DISTANCE);
const middleOf = ([first, second]: Pinch) => (first + second) / 2;
