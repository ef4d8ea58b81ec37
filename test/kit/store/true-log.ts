import { type JobEvent, readEvent } from '../../../src/upstream/resources/event.ts';
import type { Page, PageItem, PageRequest } from '../../../src/upstream/resources/page.ts';
import { eventBody } from '../bodies/event.ts';

/** A job's log as it really is: it grows at its head, and pages of it are what an honest server would send. */
export interface TrueLog {
  /** Newest first. */
  readonly items: readonly PageItem<JobEvent>[];
  /** Logs events; those logged at once share a second, as some that follow may. */
  grow(count: number, members?: Record<string, unknown>): void;
  /** A page as it is now; `short` takes that many items off a page that has more behind it. */
  page(request: PageRequest, short?: number): Page<JobEvent>;
}

export function createTrueLog(): TrueLog {
  let items: PageItem<JobEvent>[] = [];
  return {
    get items() {
      return items;
    },
    grow(count, members) {
      const second = 1_760_000_000 + Math.floor(items.length / 3);
      const grown = Array.from({ length: count }, (_, index) => {
        // Ids in no order, as real ones.
        const id = `ftevent-${(((items.length + index) * 7919) % 1_000_003).toString(36)}`;
        return { id, value: readEvent(eventBody(id, { created_at: second, ...members })) };
      });
      items = [...grown.reverse(), ...items];
    },
    page({ limit, after }, short = 0) {
      const from = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
      const hasMore = from + limit < items.length;
      const size = hasMore ? Math.max(1, limit - short) : limit;
      return { items: items.slice(from, from + size), hasMore };
    },
  };
}
