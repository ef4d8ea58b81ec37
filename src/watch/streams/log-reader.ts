import type { Access } from '../../store/cache/scope.ts';
import type { ReadContext } from '../../store/cache/single-flight.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';
import type { Store } from '../../store/store.ts';
import { stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';

/** Where in a job's log a reader begins: behind an event, behind a step, at the first event, or with what comes now. */
export type EventStart =
  | { readonly kind: 'since'; readonly id: string }
  | { readonly kind: 'sinceStep'; readonly step: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'now' };

/** Thrown when a job's log does not have the place where a reader wants to begin, as far back as is looked. */
export class UnknownCursor extends Error {
  override readonly name = 'UnknownPlace';
  readonly start: EventStart;

  constructor(start: EventStart) {
    super(`The log has no such place: ${start.kind}.`);
    this.start = start;
  }
}

/** However long a log is, nobody reads back further than this: 50,000 events. */
export const MAX_PAGES_BACK = 500;

/** Most events that a reader holds at a time while it catches up with a log that is kept. */
const EVENTS_PER_BATCH = 100;

/** A reader of one job's log, which goes from a place to the next events. A place is the id of an event; null is the beginning. */
export interface LogReader {
  /** Where to begin. Throws UnknownPlace. */
  begin(start: EventStart): Promise<string | null>;
  /** The next events behind a place, oldest first; none when there are none yet. Throws UnknownPlace. */
  next(place: string | null): Promise<JobEvent[]>;
}

/** What the store has kept of the log is taken from there, the rest is read. Both methods throw UpstreamError too. */
export function createLogReader(access: Access, store: Store, jobId: string, readContext: ReadContext): LogReader {
  // What was read from further back than the log is kept.
  let far: LogSegment | null = null;
  const known = (): LogSegment => store.events.lastLog(access, jobId)?.head ?? NOTHING;

  /** The log from its newest event back to where `isFarEnough`, or to its beginning. */
  async function readBack(isFarEnough: (run: LogSegment) => boolean, start: EventStart): Promise<LogSegment> {
    let run = known();
    for (let pages = 0; !isFarEnough(run) && !run.isComplete; pages++) {
      const more = await store.events.readOlder(access, jobId, run, readContext);
      const hasStopped = more.items.length === run.items.length && !more.isComplete; // Nothing came, and nothing will.
      if (hasStopped || pages >= MAX_PAGES_BACK) throw new UnknownCursor(start);
      run = more;
    }
    return run;
  }

  return {
    async begin(start) {
      switch (start.kind) {
        case 'now':
          return known().items.find(({ id }) => id !== null)?.id ?? null;
        case 'start':
          far = await readBack(({ isComplete }) => isComplete, start);
          return null;
        case 'since':
          far = await readBack((run) => has(run, start.id), start);
          if (!has(far, start.id)) throw new UnknownCursor(start);
          return start.id;
        case 'sinceStep': {
          const isBefore = ({ value }: LogSegment['items'][number]) =>
            value !== undefined && isStepUpTo(value, start.step);
          far = await readBack(({ items }) => items.some(isBefore), start);
          return far.items.find(isBefore)?.id ?? null;
        }
      }
    },
    async next(place) {
      if (has(known(), place)) {
        far = null;
        return eventsAfter(known(), place);
      }
      const events = far && has(far, place) ? eventsAfter(far, place) : [];
      if (events.length > 0) return events;
      const since: EventStart = place === null ? { kind: 'start' } : { kind: 'since', id: place };
      far = await readBack((run) => has(run, place), since);
      if (!has(far, place)) throw new UnknownCursor(since);
      return eventsAfter(far, place);
    },
  };
}

const NOTHING: LogSegment = { items: [], isComplete: false };

const has = ({ items, isComplete }: LogSegment, place: string | null) =>
  place === null ? isComplete : items.some(({ id }) => id === place);

// What cannot be read, or has no id to go on from, is passed over.
function eventsAfter({ items }: LogSegment, place: string | null): JobEvent[] {
  const index = place === null ? items.length : items.findIndex(({ id }) => id === place);
  return items
    .slice(0, index)
    .flatMap(({ value }) => value ?? [])
    .slice(-EVENTS_PER_BATCH)
    .reverse();
}

function isStepUpTo(event: JobEvent, last: number): boolean {
  const mark = stepReportOf(event);
  return mark !== null && mark.step <= last;
}
