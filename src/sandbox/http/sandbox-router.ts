import { methodNotAllowed } from '../api/api-error.ts';
import type { Download } from '../api/download.ts';
import { Redirect } from '../api/redirect.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { createJob } from '../routes/create-job.ts';
import { deleteFile, downloadFile, listFiles, retrieveFile } from '../routes/file.ts';
import { uploadFile } from '../routes/file-upload.ts';
import { runGrader, validateGrader } from '../routes/grader.ts';
import { listCheckpoints, listEvents, listJobs, retrieveJob } from '../routes/job.ts';
import { cancelJob, pauseJob, resumeJob } from '../routes/job-control.ts';
import { deleteModel, listModels, retrieveModel } from '../routes/model.ts';
import { createPermissions, deletePermission, listPermissions } from '../routes/permission.ts';
import type { ApiRequest, Route } from '../routes/route.ts';
import type { State } from '../state/state.ts';

const ROUTES: readonly Route[] = [
  { path: /^\/v1\/fine_tuning\/jobs$/, handlers: { GET: listJobs, POST: createJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)$/, handlers: { GET: retrieveJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/cancel$/, handlers: { POST: cancelJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/pause$/, handlers: { POST: pauseJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/resume$/, handlers: { POST: resumeJob } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/events$/, handlers: { GET: listEvents } },
  { path: /^\/v1\/fine_tuning\/jobs\/([^/]+)\/checkpoints$/, handlers: { GET: listCheckpoints } },
  {
    path: /^\/v1\/fine_tuning\/checkpoints\/([^/]+)\/permissions$/,
    handlers: { GET: listPermissions, POST: createPermissions },
  },
  {
    path: /^\/v1\/fine_tuning\/checkpoints\/([^/]+)\/permissions\/([^/]+)$/,
    handlers: { DELETE: deletePermission },
  },
  { path: /^\/v1\/fine_tuning\/alpha\/graders\/validate$/, handlers: { POST: validateGrader } },
  { path: /^\/v1\/fine_tuning\/alpha\/graders\/run$/, handlers: { POST: runGrader } },
  { path: /^\/v1\/files$/, handlers: { GET: listFiles, POST: uploadFile } },
  { path: /^\/v1\/files\/([^/]+)$/, handlers: { GET: retrieveFile, DELETE: deleteFile } },
  { path: /^\/v1\/files\/([^/]+)\/content$/, handlers: { GET: downloadFile } },
  { path: /^\/v1\/models$/, handlers: { GET: listModels } },
  { path: /^\/v1\/models\/([^/]+)$/, handlers: { GET: retrieveModel, DELETE: deleteModel } },
];

/** Calls the handler of a route; those of the dialect come first. Returns the body of a success. Throws ApiError. */
export function handleRequest(
  request: ApiRequest,
  state: State,
  { routes, redirectsSlash, clientPath, unknownPath }: Dialect,
): object | Download | Redirect | Promise<object> {
  const { method, path } = request;
  const all = [...routes, ...ROUTES];
  const matches = matchesOf(all, path);
  for (const { match, handlers } of matches) {
    const handler = handlers[method];
    if (handler) return handler(request, state, decodeSegment(match[1] ?? ''), decodeSegment(match[2] ?? ''));
  }
  if (redirectsSlash(path) && matchesOf(all, path.slice(0, -1)).length > 0) return new Redirect(path, request.query);
  if (matches.length === 0) throw unknownPath(method, path);
  const allowed = matches.flatMap(({ handlers }) => Object.keys(handlers));
  throw methodNotAllowed(method, clientPath(path), allowed);
}

function matchesOf(routes: readonly Route[], path: string) {
  return routes.flatMap((route) => {
    const match = route.path.exec(path);
    return match === null ? [] : [{ match, handlers: route.handlers }];
  });
}

/** An invalid encoding is returned as it is: no resource has such an id. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
