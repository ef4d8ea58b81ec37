import { eventBody } from '../bodies/event.ts';
import type { ScriptedUpstream } from '../gateway/upstream.ts';

/** A job's log upstream, which grows. */
export interface GrowingLog {
  /** Logs events, a second that all share unless `membersOf` says otherwise, and gives their ids, oldest first. */
  grow(count: number, membersOf?: (index: number) => Record<string, unknown>): string[];
  /** The ids of all events, oldest first. */
  readonly ids: readonly string[];
}

export function createGrowingLog(upstream: ScriptedUpstream, jobId: string): GrowingLog {
  const ids: string[] = [];
  let events: ReturnType<typeof eventBody>[] = [];
  upstream.onEvents(jobId, events);
  return {
    grow(count, membersOf = () => ({})) {
      // Ids in no order, as real ones.
      const grown = Array.from({ length: count }, (_, index) => {
        const id = `ftevent-${(((ids.length + index) * 7919) % 1_000_003).toString(36)}`;
        return eventBody(id, { message: `line ${ids.length + index}`, ...membersOf(index) });
      });
      events = [...grown.toReversed(), ...events];
      const added = grown.map(({ id }) => id);
      ids.push(...added);
      upstream.onEvents(jobId, events);
      return added;
    },
    ids,
  };
}
