import { type ReadonlySignal, signal } from '@preact/signals';
import { createBatch } from '../chart/batch.ts';
import { query } from '../data/graphql-client.ts';
import type { RequestError } from '../data/request-error.ts';
import { subscribe } from '../live/subscription.ts';
import { JobEventAdded, JobEvents } from '../operations/generated.ts';
import { addEvents, type JobEvent, prependEvents } from './event-list.ts';

const PAGE_SIZE = 100;
/** Maximum events of one `loadAll`: more would make the page slow. */
export const MAX_LOADED = 5000;

export interface EventStore {
  /** Oldest first; null until they are loaded. */
  readonly events: ReadonlySignal<readonly JobEvent[] | null>;
  readonly error: ReadonlySignal<RequestError | null>;
  readonly hasOlder: ReadonlySignal<boolean>;
  /** Loads the newest page, and with each further call an older one. */
  loadOlder(): Promise<void>;
  /** Whether `loadAll` runs. */
  readonly isLoadingAll: ReadonlySignal<boolean>;
  /** Loads older pages until there is none, one fails, or `MAX_LOADED` events are loaded. */
  loadAll(): Promise<void>;
  /** Receives the events that follow. */
  follow(): void;
  dispose(): void;
}

/** The events of a job. `onEvents` is told the new ones. */
export function createEventStore(jobId: string, onEvents: (events: readonly JobEvent[]) => void): EventStore {
  const events = signal<readonly JobEvent[] | null>(null);
  const error = signal<RequestError | null>(null);
  const olderCursor = signal<string | null>(null);
  const hasOlder = signal(false);
  const isLoadingAll = signal(false);
  const aborter = new AbortController();
  let newestId: string | null = null;
  let unsubscribe: (() => void) | undefined;

  const batch = createBatch<JobEvent>((added) => {
    events.value = addEvents(events.peek() ?? [], added);
    onEvents(added);
  });

  async function loadOlder(): Promise<void> {
    const variables = { jobId, first: PAGE_SIZE, after: olderCursor.peek() };
    const answer = await query(JobEvents, variables, aborter.signal);
    if (aborter.signal.aborted) return;
    error.value = answer.ok ? (answer.errors[0] ?? null) : answer.error;
    const page = answer.ok ? answer.data.fineTuningJob?.events : undefined;
    if (!page) return;
    const newestFirst = page.nodes.filter((node) => node !== null);
    newestId ??= newestFirst[0]?.id ?? null;
    olderCursor.value = page.pageInfo.endCursor;
    hasOlder.value = page.pageInfo.hasNextPage;
    events.value = prependEvents(events.peek() ?? [], newestFirst.toReversed());
  }

  async function loadAll(): Promise<void> {
    if (isLoadingAll.peek()) return;
    isLoadingAll.value = true;
    for (let count = 0; count < MAX_LOADED && hasOlder.peek() && !aborter.signal.aborted; count += PAGE_SIZE) {
      await loadOlder();
      if (error.peek() !== null) break;
    }
    isLoadingAll.value = false;
  }

  function follow(): void {
    if (aborter.signal.aborted) return;
    unsubscribe ??= subscribe(JobEventAdded, () => ({ jobId, since: newestId, fromStart: newestId === null }), {
      next({ fineTuningJobEventAdded: { event } }) {
        newestId = event.id;
        batch.add(event);
      },
      failed(failure, isFinal) {
        if (isFinal) error.value = failure;
      },
    });
  }

  function dispose(): void {
    aborter.abort();
    batch.dispose();
    unsubscribe?.();
  }

  return { events, error, hasOlder, isLoadingAll, loadOlder, loadAll, follow, dispose };
}
