import { createHash } from 'node:crypto';
import { ApiError, JobStatusError } from '../api/api-error.ts';
import { checkAccess } from '../api/auth.ts';
import type { State } from '../state/state.ts';
import { azureBody } from './azure-body.ts';
import { translateCreate } from './azure-create.ts';
import { azureEvents } from './azure-event.ts';
import { azureFile } from './azure-file.ts';
import { azureModel } from './azure-model.ts';
import { deleteJob } from './azure-routes.ts';
import { isOlderThan2025 } from './azure-version.ts';
import type { Dialect } from './dialect.ts';

/** Azure OpenAI: translates OpenAI's bodies, and the lists that differ (docs/upstream.md: Other servers). */
export const azureDialect: Dialect = {
  basePath: '/openai',

  routes: [{ path: /^\/v1\/fine_tuning\/jobs\/([^/]+)$/, handlers: { DELETE: deleteJob } }],

  authorize({ path, query, headers: { authorization, 'api-key': apiKeyHeader } }, keys) {
    if (/\/fine_tuning\/checkpoints\//.test(path)) throw resourceNotFound(); // Only OpenAI has projects.
    const key = typeof apiKeyHeader === 'string' && apiKeyHeader !== '' ? `Bearer ${apiKeyHeader}` : authorization;
    checkAccess(path, key, keys);
    if (!query.get('api-version')) throw resourceNotFound(); // The real server reports no other reason.
  },

  translateRequest(request) {
    if (!request.path.startsWith('/openai/')) throw resourceNotFound();
    const query = new URLSearchParams(request.query);
    const after = query.get('after');
    if (after !== null) query.set('after', after.replace(/^ftchkpt-/, 'ftckpt_'));
    const path = request.path.replace('/openai/', '/v1/');
    if (path === FILES_PATH && isOlderThan2025(query)) for (const name of PAGE_PARAMETERS) query.delete(name);
    const isCreate = request.method === 'POST' && path === '/v1/fine_tuning/jobs';
    return { ...request, query, path, body: isCreate ? translateCreate(request.body, query) : request.body };
  },

  translateState(state: State): State {
    return {
      ...state,
      eventsAt: (plan, now) => azureEvents(plan, state.eventsAt(plan, now)),
      filesAt: (now) => state.filesAt(now).map(azureFile),
      modelsAt: (now) => state.modelsAt(now).map(azureModel),
    };
  },

  responseHead(method, path, body) {
    if (method === 'POST' && path === '/v1/fine_tuning/jobs') return created(path, body);
    if (method === 'POST' && path === FILES_PATH) return created(path, body);
    const isJobDeleted = method === 'DELETE' && path.startsWith('/v1/fine_tuning/jobs/');
    return { status: isJobDeleted ? 204 : 200, headers: {} };
  },

  redirectsSlash: () => false,

  clientPath: (path) => toAzurePath(path),

  unknownPath: () => resourceNotFound(),

  translateBody: azureBody,

  errorBody(apiError) {
    const { status, message, param } = apiError;
    if (status === 401) return { error: { code: '401', message: ACCESS_DENIED } };
    const error = { code: codeOf(apiError), message };
    return { error: param === null ? error : { ...error, target: param } };
  },

  headers: (_, __, requestId) => ({
    'apim-request-id': toUuid(requestId),
    'x-ms-region': 'Sandbox',
    'x-request-id': toUuid(createHash('md5').update(requestId).digest('hex')),
  }),
};

const toAzurePath = (path: string) => path.replace(/^\/v1\//, '/openai/');

const FILES_PATH = '/v1/files';
const PAGE_PARAMETERS = ['limit', 'after', 'order'];

function codeOf(error: ApiError): string {
  const { status, code } = error;
  if (code === '404') return code;
  if (error instanceof JobStatusError) return 'unexpectedEntityState';
  return TRANSLATED_CODES[code ?? ''] ?? CODES_BY_STATUS[status] ?? 'internalFailure';
}

const CODES_BY_STATUS: Readonly<Record<number, string>> = {
  400: 'invalidPayload',
  403: 'forbidden',
  404: 'notFound',
  405: 'invalidPayload',
  413: 'invalidPayload',
  429: 'tooManyRequests',
};

/** Azure's codes by those of OpenAI. */
const TRANSLATED_CODES: Readonly<Record<string, string>> = {
  daily_rate_limit_exceeded: 'quotaExceeded',
  rate_limit_exceeded: 'quotaExceeded',
};

/** The head of 201, with the path of the new resource. */
const created = (path: string, body: object) => ({
  status: 201,
  headers: { location: `${toAzurePath(path)}/${Object(body).id}` },
});

// The API gateway in front of the service has numbers as error codes.
const ACCESS_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';
const resourceNotFound = () => new ApiError(404, 'Resource not found', null, '404');

/** 32 hexadecimal digits with the hyphens of a UUID. */
const toUuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
