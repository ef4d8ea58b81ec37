import { eventBody } from '../bodies/event.ts';
import type { ScriptedUpstream } from '../gateway/upstream.ts';

/** A job's event log on the scripted upstream. */
export interface GrowingLog {
  /** Adds events, all with the same timestamp unless `membersOf` sets it. Returns their ids, oldest first. */
  grow(count: number, membersOf?: (index: number) => Record<string, unknown>): string[];
  /** Ids of all events, oldest first. */
  readonly ids: readonly string[];
}

export function createGrowingLog(upstream: ScriptedUpstream, jobId: string): GrowingLog {
  const ids: string[] = [];
  let events: ReturnType<typeof eventBody>[] = [];
  upstream.onEvents(jobId, events);
  return {
    grow(count, membersOf = () => ({})) {
      // Ids without an order, as in the REST API.
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
