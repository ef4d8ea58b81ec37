import { type Entity, eventsOf, jobOf } from './stub-data.ts';
import { serve, toBody } from './upstream.ts';

// An upstream with `JOBS` jobs, each with an event log of 102 to 301 events. It stores none of them: a job follows from
// its id.

const JOBS = Number(process.env['JOBS']);
/** One job in this many has the suffix that the bench filters by. */
const RARE = 500;

serve((target) => {
  const { pathname, searchParams } = new URL(target, 'http://upstream');
  const [, id, part] = pathname.replace('/fine_tuning/', '').split('/');
  if (!pathname.startsWith('/fine_tuning/jobs')) return null;
  if (id === undefined) return toBody(jobPage(searchParams));
  const job = largeJobOf(numberOf(id));
  return toBody(part === 'events' ? eventPage(job, searchParams) : job);
});

const numberOf = (id: string) => Number(id.slice('ftjob-'.length));
const limitOf = (search: URLSearchParams) => Number(search.get('limit') ?? 20);

function largeJobOf(number: number): Entity {
  return { ...jobOf(number), user_provided_suffix: number % RARE === 0 ? 'rare' : null };
}

function jobPage(search: URLSearchParams) {
  const after = search.get('after');
  const newest = after === null ? JOBS : numberOf(after) - 1;
  const count = Math.min(newest, limitOf(search));
  const data = Array.from({ length: count }, (_, index) => largeJobOf(newest - index));
  return { object: 'list', data, has_more: newest > count };
}

function eventPage(job: Entity, search: URLSearchParams) {
  const events = eventsOf(job, 100 + ((numberOf(job.id) * 7919) % 200));
  const start = events.findIndex(({ id }) => id === search.get('after')) + 1;
  const end = start + limitOf(search);
  return { object: 'list', data: events.slice(start, end), has_more: end < events.length };
}
