import type { ScopeState } from '../../state/watch-state.ts';
import type { LogItem } from '../../store/resources/log-item.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import { writeSharedPage } from '../../store/resources/shared-page.ts';

/** Sends what this replica reads of event logs to the replicas that follow them. */
export interface LogPublisher {
  publish(jobId: string, segment: LogSegment, isClosed: boolean): void;
  /** Forgets what was sent of a log that no other replica follows. */
  forget(jobId: string): void;
}

/** The last part of a log that was sent. */
interface Sent {
  readonly items: LogSegment['items'] | null;
  /** Everything that had arrived by then was sent. */
  readonly arrival: number;
}

/** Number of events that are sent of a log for the first time: the newest ones. */
const FIRST_EVENTS = 100;

export function createLogPublisher(
  scope: Pick<ScopeState<unknown>, 'role' | 'publishEvents'>,
  isFollowed: (jobId: string) => boolean,
): LogPublisher {
  const sentLogs = new Map<string, Sent>();

  async function send(jobId: string, segment: LogSegment, isClosed: boolean): Promise<void> {
    const sent = sentLogs.get(jobId);
    const items = sent === undefined ? segment.items.slice(0, FIRST_EVENTS) : newItems(segment.items, sent.arrival);
    const hasMore = !segment.isComplete || items.length < segment.items.length;
    const arrival = segment.items.reduce((last, item) => Math.max(last, item.arrival), sent?.arrival ?? 0);
    sentLogs.set(jobId, { items: segment.items, arrival });
    try {
      await scope.publishEvents({ jobId, page: writeSharedPage({ items, hasMore }), isClosed });
    } catch {
      if (sentLogs.has(jobId)) sentLogs.set(jobId, { items: null, arrival: sent?.arrival ?? 0 }); // With the next poll.
    }
  }

  return {
    publish(jobId, segment, isClosed) {
      if (scope.role !== 'polls' || !isFollowed(jobId)) return;
      if (isClosed || sentLogs.get(jobId)?.items !== segment.items) void send(jobId, segment, isClosed);
    },
    forget: (jobId) => void sentLogs.delete(jobId),
  };
}

/** Returns the items down to the oldest one that arrived later, and the next older one, which the replicas have. */
function newItems(items: LogSegment['items'], arrival: number): readonly LogItem[] {
  return items.slice(0, items.findLastIndex((item) => item.arrival > arrival) + 2);
}
