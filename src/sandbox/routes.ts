import type { Download } from './download.ts';
import { methodNotAllowed, unknownUrl } from './errors.ts';
import type { ApiRequest, Route } from './request.ts';
import { createJob } from './route-create.ts';
import { deleteFile, downloadFile, listFiles, retrieveFile } from './route-file.ts';
import { runGrader, validateGrader } from './route-grader.ts';
import { listCheckpoints, listEvents, listJobs, retrieveJob } from './route-job.ts';
import { deleteModel, listModels, retrieveModel } from './route-model.ts';
import { createPermissions, deletePermission, listPermissions } from './route-permission.ts';
import { cancelJob, pauseJob, resumeJob } from './route-steer.ts';
import { uploadFile } from './route-upload.ts';
import type { State } from './state.ts';

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

/** Answers a request that may be answered: the body of a success. Throws a Refusal, or rejects with one. */
export function answer(request: ApiRequest, state: State, more: readonly Route[]): object | Download | Promise<object> {
  const { method, path } = request;
  const matches = [...more, ...ROUTES].flatMap((route) => {
    const match = route.path.exec(path);
    return match === null ? [] : [{ match, handlers: route.handlers }];
  });
  for (const { match, handlers } of matches) {
    const handler = handlers[method];
    if (handler) return handler(request, state, decoded(match[1] ?? ''), decoded(match[2] ?? ''));
  }
  if (matches.length === 0) throw unknownUrl(method, path);
  const allowed = matches.flatMap(({ handlers }) => Object.keys(handlers));
  throw methodNotAllowed(method, path, allowed);
}

/** A segment that is not validly encoded stands for itself: nothing has such a name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
