import type { Download } from './download.ts';
import { methodNotAllowed, unknownUrl } from './errors.ts';
import type { ApiRequest, Handler } from './request.ts';
import { downloadFile, listFiles, retrieveFile } from './route-file.ts';
import { listCheckpoints, listEvents, listJobs, retrieveJob } from './route-job.ts';
import { listModels, retrieveModel } from './route-model.ts';
import type { State } from './state.ts';

const ROUTES: readonly { path: RegExp; handlers: Readonly<Record<string, Handler>> }[] = [
  { path: /^\/v1\/fine_tuning\/jobs$/, handlers: { GET: listJobs } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)$/, handlers: { GET: retrieveJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/events$/, handlers: { GET: listEvents } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/checkpoints$/, handlers: { GET: listCheckpoints } },
  { path: /^\/v1\/files$/, handlers: { GET: listFiles } },
  { path: /^\/v1\/files\/([^/]+)$/, handlers: { GET: retrieveFile } },
  { path: /^\/v1\/files\/([^/]+)\/content$/, handlers: { GET: downloadFile } },
  { path: /^\/v1\/models$/, handlers: { GET: listModels } },
  { path: /^\/v1\/models\/([^/]+)$/, handlers: { GET: retrieveModel } },
];

/** Answers a request that may be answered: the body of a 200. Throws a Refusal. */
export function answer(request: ApiRequest, state: State): object | Download {
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

/** A segment that is not validly encoded stands for itself: nothing has such a name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
