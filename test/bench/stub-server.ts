import { allFiles, allJobs, allModels, checkpointsOf, eventsOf, type Thing } from './stub-data.ts';
import { serve, toBody } from './upstream.ts';

// The upstream of the benchmark. It makes each answer once: what it costs must not be what is measured.

const jobs = allJobs();
const files = allFiles();
const models = allModels();
const made = new Map<string, Buffer | null>();

serve((target) => {
  const body = made.get(target) ?? toBody(answer(target));
  made.set(target, body);
  return body;
});

function answer(target: string): object | undefined {
  const { pathname, searchParams } = new URL(target, 'http://stub');
  const [resource, id, part] = pathname.replace('/fine_tuning/', '/').slice(1).split('/').map(decodeURIComponent);
  switch (resource) {
    case 'jobs':
      return id === undefined ? pageOf(jobs, searchParams) : partOf(byId(jobs, id), part, searchParams);
    case 'files':
      return id === undefined ? pageOf(withPurpose(searchParams.get('purpose')), searchParams) : byId(files, id);
    case 'models':
      return id === undefined ? { object: 'list', data: models } : byId(models, id);
    default:
      return undefined;
  }
}

function partOf(job: Thing | undefined, part: string | undefined, search: URLSearchParams): object | undefined {
  if (job === undefined || part === undefined) return job;
  return pageOf(part === 'events' ? eventsOf(job) : checkpointsOf(job), search);
}

const byId = (things: readonly Thing[], id: string) => things.find((thing) => thing.id === id);
const withPurpose = (purpose: string | null) => files.filter((file) => purpose === null || file['purpose'] === purpose);

function pageOf(things: readonly Thing[], search: URLSearchParams) {
  const from = things.findIndex(({ id }) => id === search.get('after')) + 1;
  const to = from + Number(search.get('limit') ?? 20);
  return { object: 'list', data: things.slice(from, to), has_more: to < things.length };
}
