import { eventsOf, jobOf } from './stub-data.ts';
import { resourceAt } from './stub-resources.ts';
import { serve, toBody } from './upstream.ts';

// The upstream of the growth benchmark: the stub's resources, and jobs whose ids say how large they are.
// `ftjob-log-1000-7` runs and has an event log of 1,000 steps; `ftjob-body-50000-7` has metadata of 50,000 bytes.

const PAIR_BYTES = 500;
const prepared = new Map<string, Buffer | null>();

serve((target) => {
  // Jobs of one size share their pages of events.
  const key = target.replace(/(log-\d+)-\d+\/events/, '$1/events');
  const body = prepared.get(key) ?? toBody(sizedAt(target) ?? resourceAt(target));
  prepared.set(key, body);
  return body;
});

function sizedAt(target: string): object | undefined {
  const { pathname, searchParams } = new URL(target, 'http://upstream');
  const [, id, kind, size, part] = /\/(ftjob-(log|body)-(\d+)-\d+)(?:\/(events))?$/.exec(pathname) ?? [];
  if (id === undefined) return undefined;
  if (part === 'events') return eventPage(Number(size), searchParams);
  return { ...jobOf(1), id, status: 'running', metadata: kind === 'body' ? metadataOf(Number(size)) : null };
}

function metadataOf(bytes: number): Record<string, string> {
  const pairs = Array.from({ length: bytes / PAIR_BYTES }, (_, index) => [`key-${index}`, 'x'.repeat(PAIR_BYTES - 15)]);
  return Object.fromEntries(pairs);
}

const logs = new Map<number, ReturnType<typeof eventsOf>>();

function eventPage(steps: number, search: URLSearchParams) {
  const events = logs.get(steps) ?? eventsOf({ ...jobOf(1), id: 'ftjob-log' }, steps);
  logs.set(steps, events);
  const start = events.findIndex(({ id }) => id === search.get('after')) + 1;
  const end = start + Number(search.get('limit') ?? 20);
  return { object: 'list', data: events.slice(start, end), has_more: end < events.length };
}
