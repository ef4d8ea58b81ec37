/** An observation, as the rule sees it. `value` is any identity of the body; null when there is no such job. */
export interface Observed {
  readonly value: unknown;
  readonly status: string;
  readonly isTerminal: boolean;
}

export interface Stored extends Observed {
  readonly revision: number;
}

/**
 * The rule of acceptance; the script of Redis has the same. An observation is accepted only if its request was sent when the
 * stored one was the last accepted one: else it may be older. A job leaves a terminal status only by its deletion.
 */
export function decideAcceptance(
  stored: Stored | undefined,
  expected: number | null,
  next: Observed,
): 'accepted' | 'unchanged' | 'refused' {
  if (stored === undefined) return 'accepted';
  if (next.value !== null && stored.value === next.value) return 'unchanged';
  if (stored.isTerminal && next.value !== null && stored.status !== next.status) return 'refused';
  return stored.revision === expected ? 'accepted' : 'refused';
}

/** Returns the revision of an accepted observation: later than those before, also than those that were lost. */
export function nextRevision(stored: Stored | undefined, expected: number | null, nowMicros: number): number {
  return Math.max(nowMicros, (stored?.revision ?? 0) + 1, (expected ?? 0) + 1);
}
