import type { JobEventFragment } from '../operations/generated.ts';

export type JobEvent = JobEventFragment;

/** Both lists as one, oldest first. `older` is older than `events`. An event of both is listed once. */
export function prependEvents(events: readonly JobEvent[], older: readonly JobEvent[]): readonly JobEvent[] {
  const known = new Set(events.map(({ id }) => id));
  return [...older.filter(({ id }) => !known.has(id)), ...events];
}

/** Adds new events by their time: the upstream can insert an event behind others. Known ones are left out. */
export function addEvents(events: readonly JobEvent[], added: readonly JobEvent[]): readonly JobEvent[] {
  const known = new Set(events.map(({ id }) => id));
  const all = [...events];
  for (const event of added) {
    if (known.has(event.id)) continue;
    known.add(event.id);
    const before = all.findLastIndex(({ createdAt }) => createdAt <= event.createdAt);
    all.splice(before + 1, 0, event);
  }
  return all;
}

export const LEVELS = ['ALL', 'WARN', 'ERROR'] as const;
/** The least severe level that is shown. */
export type LevelFilter = (typeof LEVELS)[number];

/** An UNKNOWN level is shown with every filter: it can be severe. */
export function filterEvents(events: readonly JobEvent[], level: LevelFilter, text: string): readonly JobEvent[] {
  const searched = text.toLowerCase();
  return events.filter(
    (event) =>
      (level === 'ALL' || event.level === 'UNKNOWN' || event.level === 'ERROR' || event.level === level) &&
      event.message.toLowerCase().includes(searched),
  );
}
