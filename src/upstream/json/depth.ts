/** Deeper than anything that servers send; what goes as deep as the value itself ends the stack at some thousands. */
const MAX_DEPTH = 100;

/** Whether a JSON value is nested no deeper than can be read and written. JSON.parse sets no such bound, all else does. */
export function isWithinDepth(value: unknown, depth = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isWithinDepth(member, depth - 1));
}
