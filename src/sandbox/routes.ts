import { methodNotAllowed, unknownJob, unknownUrl } from './errors.ts';
import { jobBody } from './job.ts';
import { readMetadataFilter } from './metadata.ts';
import { listBody, readLimit } from './page.ts';
import type { State } from './state.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Gives the body of a 200 or throws a Refusal; `segment` is the variable part of the path. */
type Handler = (request: ApiRequest, state: State, segment: string) => object;

const ROUTES: readonly { path: RegExp; handlers: Readonly<Record<string, Handler>> }[] = [
  { path: /^\/v1\/fine_tuning\/jobs$/, handlers: { GET: listJobs } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)$/, handlers: { GET: retrieveJob } },
];

/** Answers a request that may be answered: the body of a 200. Throws a Refusal. */
export function answer(request: ApiRequest, state: State): object {
  const { method, path } = request;
  for (const route of ROUTES) {
    const match = route.path.exec(path);
    if (match === null) continue;
    const handler = route.handlers[method];
    if (handler === undefined) throw methodNotAllowed(method, path, Object.keys(route.handlers));
    return handler(request, state, decoded(match[1] ?? ''));
  }
  throw unknownUrl(method, path);
}

function listJobs({ query, now }: ApiRequest, state: State): object {
  const limit = readLimit(query, 20);
  const hasMetadata = readMetadataFilter(query);
  const jobs = state.jobsAt(now);
  const after = query.get('after');
  const position = after === null ? -1 : jobs.positions.get(after);
  if (position === undefined) throw unknownJob(String(after), 'after'); // What the real API answers is not known.
  const left = jobs.newestFirst.values().drop(position + 1);
  const bodies = left.filter(({ metadata }) => hasMetadata(metadata)).map((plan) => jobBody(plan, now));
  return listBody(bodies, limit);
}

function retrieveJob({ now }: ApiRequest, state: State, id: string): object {
  const jobs = state.jobsAt(now);
  const plan = jobs.newestFirst[jobs.positions.get(id) ?? -1];
  if (plan === undefined) throw unknownJob(id);
  return jobBody(plan, now);
}

/** A segment that is not validly encoded stands for itself: no job has such a name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
