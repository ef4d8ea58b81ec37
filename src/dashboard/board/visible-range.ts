import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows around the visible ones that are rendered too, so that a scroll shows no gap. */
const OVERSCAN = 6;

/** A reference to an element, null until it is mounted. */
interface ElementRef {
  readonly current: HTMLElement | null;
}

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The rows to render of a list that scrolls with the page. */
export function useVisibleRange(list: ElementRef, count: number, rowHeight: number): Range {
  const [range, setRange] = useState<Range>({ start: 0, end: 0 });
  useLayoutEffect(() => {
    const update = () => {
      if (list.current === null) return;
      const above = -list.current.getBoundingClientRect().top;
      const start = Math.max(0, Math.floor(above / rowHeight) - OVERSCAN);
      const end = Math.min(count, Math.ceil((above + innerHeight) / rowHeight) + OVERSCAN);
      setRange((last) => (last.start === start && last.end === end ? last : { start, end }));
    };
    update();
    addEventListener('scroll', update, { passive: true });
    addEventListener('resize', update);
    return () => {
      removeEventListener('scroll', update);
      removeEventListener('resize', update);
    };
  }, [list, count, rowHeight]);
  return range;
}

/**
 * Keeps what the user reads in its place when rows are added above it. Not at the beginning of the list, where new rows
 * are wanted, and not in another order: `order` changes with it.
 */
export function useScrollAnchor(list: ElementRef, ids: readonly string[], rowHeight: number, order: string): void {
  const before = useRef({ ids, order });
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { ids, order };
    if (list.current === null || last.ids === ids || last.order !== order) return;
    const first = Math.ceil(-list.current.getBoundingClientRect().top / rowHeight);
    const anchor = last.ids[first];
    const index = anchor === undefined ? -1 : ids.indexOf(anchor);
    if (first > 0 && index >= 0 && index !== first) scrollBy(0, (index - first) * rowHeight);
  }, [list, ids, rowHeight, order]);
}

/** Whether a media query matches now. */
export function useMedia(text: string): boolean {
  const [isMatch, setIsMatch] = useState(() => matchMedia(text).matches);
  useEffect(() => {
    const media = matchMedia(text);
    const update = () => setIsMatch(media.matches);
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [text]);
  return isMatch;
}
