import { type JobEvent, readEvent } from '../../../src/upstream/resources/event.ts';
import type { Page, PageItem, PageRequest } from '../../../src/upstream/resources/page.ts';
import { eventBody } from '../bodies/event.ts';

/** A job's complete event log. It grows at its head; its pages are the correct responses of a server. */
export interface TrueLog {
  /** Newest first. */
  readonly items: readonly PageItem<JobEvent>[];
  /** Adds events. Those of one call have the same timestamp, and possibly those of the next call too. */
  grow(count: number, members?: Record<string, unknown>): void;
  /** Inserts events behind the `depth` newest ones. Returns their ids. */
  insert(depth: number, count: number): string[];
  /** Returns a page of the present log; a page with more behind it is `short` items shorter than its limit. */
  page(request: PageRequest, short?: number): Page<JobEvent>;
}

export function createTrueLog(): TrueLog {
  let items: PageItem<JobEvent>[] = [];
  function createEvents(count: number, members?: Record<string, unknown>): PageItem<JobEvent>[] {
    const second = 1_760_000_000 + Math.floor(items.length / 3);
    const events = Array.from({ length: count }, (_, index) => {
      // Ids without an order, as in the REST API.
      const id = `ftevent-${(((items.length + index) * 7919) % 1_000_003).toString(36)}`;
      return { id, value: readEvent(eventBody(id, { created_at: second, ...members })) };
    });
    return events.reverse();
  }
  return {
    get items() {
      return items;
    },
    grow(count, members) {
      items = [...createEvents(count, members), ...items];
    },
    insert(depth, count) {
      const inserted = createEvents(count);
      items = [...items.slice(0, depth), ...inserted, ...items.slice(depth)];
      return inserted.map(({ id }) => id ?? '');
    },
    page({ limit, after }, short = 0) {
      const from = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
      const hasMore = from + limit < items.length;
      const size = hasMore ? Math.max(1, limit - short) : limit;
      return { items: items.slice(from, from + size), hasMore };
    },
  };
}
