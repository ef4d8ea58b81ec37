import { allFiles, allJobs, allModels, checkpointsOf, type Entity, eventsOf } from './stub-data.ts';

// The constant resources of an account by their request targets, as the REST API has them.

const jobs = allJobs();
const files = allFiles();
const models = allModels();

/** Returns the body of a resource or of a page; undefined when there is none. */
export function resourceAt(target: string): object | undefined {
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

function partOf(job: Entity | undefined, part: string | undefined, search: URLSearchParams): object | undefined {
  if (job === undefined || part === undefined) return job;
  return pageOf(part === 'events' ? eventsOf(job) : checkpointsOf(job), search);
}

const byId = (items: readonly Entity[], id: string) => items.find((item) => item.id === id);
const withPurpose = (purpose: string | null) => files.filter((file) => purpose === null || file['purpose'] === purpose);

function pageOf(items: readonly Entity[], search: URLSearchParams) {
  const start = items.findIndex(({ id }) => id === search.get('after')) + 1;
  const end = start + Number(search.get('limit') ?? 20);
  return { object: 'list', data: items.slice(start, end), has_more: end < items.length };
}
