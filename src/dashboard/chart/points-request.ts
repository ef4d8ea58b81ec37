/** Enough for a curve of the page's width: it is drawn soon. */
export const FIRST_POINTS = 1000;
/** The maximum of the argument `maxPoints`. */
export const MAX_POINTS = 10_000;

/** `maxPoints` of the next request for a curve; null when another request returns no more points. */
export function nextMaxPoints(maxPoints: number, totalPoints: number): number | null {
  return totalPoints > maxPoints && maxPoints < MAX_POINTS ? MAX_POINTS : null;
}
