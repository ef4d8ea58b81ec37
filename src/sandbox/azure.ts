import { createHash } from 'node:crypto';
import { checkKey } from './auth.ts';
import { azureBody } from './azure-body.ts';
import { azureEvents } from './azure-event.ts';
import { azureFile } from './azure-file.ts';
import { azureModelName } from './azure-model.ts';
import { Refusal } from './errors.ts';
import type { Flavour } from './flavour.ts';
import type { State } from './state.ts';

/** As Azure serves the same jobs: a pure translation of OpenAI's bodies, and of the few lists that differ (UPSTREAM.md 5). */
export const azure: Flavour = {
  basePath: '/openai',

  admit({ authorization, 'api-key': apiKeyHeader }, query, apiKey) {
    const key = typeof apiKeyHeader === 'string' && apiKeyHeader !== '' ? `Bearer ${apiKeyHeader}` : authorization;
    checkKey(key, apiKey);
    // The real server says no more than this to a request of no version either.
    if (!query.get('api-version')) throw noResource();
  },

  readRequest(request) {
    if (!request.path.startsWith('/openai/')) throw noResource();
    const query = new URLSearchParams(request.query);
    const after = query.get('after');
    if (after !== null) query.set('after', after.replace(/^ftchkpt-/, 'ftckpt_'));
    return { ...request, query, path: request.path.replace('/openai/', '/v1/') };
  },

  stateOf(state: State): State {
    return {
      ...state,
      eventsAt: (plan, now) => azureEvents(plan, state.eventsAt(plan, now)),
      filesAt: (now) => state.filesAt(now).map(azureFile),
      modelsAt: (now) =>
        state.modelsAt(now).map(({ jobId, body }) => ({
          jobId,
          body: { ...body, id: jobId === null ? body.id : azureModelName(body.id, jobId) },
        })),
    };
  },

  body: azureBody,

  errorBody({ status, message, param, code }) {
    if (status === 401) return { error: { code: '401', message: ACCESS_DENIED } };
    const error = { code: code === '404' ? code : (CODES[status] ?? 'internalFailure'), message };
    return { error: param === null ? error : { ...error, target: param } };
  },

  headers: (_, __, requestId) => ({
    'apim-request-id': dashed(requestId),
    'x-ms-region': 'Sandbox',
    'x-request-id': dashed(createHash('md5').update(requestId).digest('hex')),
  }),
};

const CODES: Readonly<Record<number, string>> = { 400: 'invalidPayload', 404: 'notFound', 405: 'invalidPayload' };

// The gate in front of the service refuses with codes of its own, which are numbers.
const ACCESS_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';
const noResource = () => new Refusal(404, 'Resource not found', null, '404');

const dashed = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
