import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { toBase64 } from '../../kit/bodies/results.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';

/** The fields of a job that take their own upstream calls. */
const PARTS = `
  model { id ownedBy shutdownDate } fineTunedModel { id ownedBy }
  trainingFile { id filename rawPurpose rawStatus statusDetails all: preview { text } cut: preview(maxBytes: 30) { text } }
  resultFiles { id filename preview { text } }
  events { edges { cursor node { id rawLevel message rawType data } } }
  checkpoints { edges { cursor node { id fineTunedModelId fineTunedModel { id } metrics { data } } } }
  metrics { points { step trainLoss data } } progress { step }
`;

/** Scripts a settled job and the resources behind its fields. */
function onParts(upstream: ScriptedUpstream, name: string, scriptOf: (body: unknown) => unknown): void {
  const [job, results, file] = [`ftjob-${name}`, `file-results-${name}`, `file-${name}`];
  const ids = { fine_tuned_model: `tuned-${name}`, training_file: file, result_files: [results] };
  upstream.onJob(jobBody({ id: job, status: 'succeeded', model: `model-${name}`, ...ids }));
  const parts: Record<string, unknown> = {
    [`/models/model-${name}`]: modelBody(`model-${name}`),
    [`/models/tuned-${name}`]: modelBody(`tuned-${name}`),
    [`/files/${file}`]: fileBody(file),
    [`/files/${file}/content`]: null,
    [`/files/${results}`]: fileBody(results, { purpose: 'fine-tune-results' }),
    [`/files/${results}/content`]: null,
    [`/fine_tuning/jobs/${job}/events`]: { data: [stepBody(1, 2), eventBody('ftevent-1')] },
    [`/fine_tuning/jobs/${job}/checkpoints`]: { data: [checkpointBody('ftckpt_1')] },
  };
  for (const [target, body] of Object.entries(parts)) upstream.on(target, scriptOf(body));
}

/** A body in which every string, and an additional member, is the key. */
function echoing(key: string, body: unknown): unknown {
  if (Array.isArray(body)) return body.map((item) => echoing(key, item));
  if (typeof body !== 'object' || body === null) return typeof body === 'string' ? key : body;
  const members = Object.entries(body).map(([name, value]) => [name, name === 'id' ? value : echoing(key, value)]);
  return { ...Object.fromEntries(members), [key]: key };
}

/**
 * The upstream repeats the credential wherever it can, the test provokes every kind of error at the lowest log level, and
 * searches all output of the processes.
 */
it('the upstream key appears in no response, log line or error', async () => {
  const key = `test-${crypto.randomUUID()}`;
  await using upstream = await startUpstream();
  const failWith =
    (status: number, headers: Record<string, string> = {}) =>
    (request: IncomingMessage, response: ServerResponse) => {
      const message = `Incorrect API key provided: ${request.headers.authorization}`;
      writeResponse(
        response,
        status,
        { error: { message, type: message, param: message, code: message } },
        { 'x-request-id': key, ...headers },
      );
    };
  const statuses = [400, 401, 403, 404, 409, 422, 429, 500, 503];
  for (const status of statuses) upstream.on(`/fine_tuning/jobs/ftjob-${status}`, failWith(status));
  upstream.on('/fine_tuning/jobs/ftjob-redirect', failWith(302, { location: `http://127.0.0.1:1/?key=${key}` }));
  upstream.on('/fine_tuning/jobs/ftjob-text', (_: unknown, response: ServerResponse) =>
    writeResponse(response, 200, `${key} is no JSON`),
  );
  upstream.on(
    '/fine_tuning/jobs/ftjob-cut',
    (_: unknown, response: ServerResponse) => void response.write(key, () => response.destroy()),
  );
  upstream.on('/fine_tuning/jobs/ftjob-wrong', { id: 'ftjob-wrong', status: { [key]: key } });
  const echo = {
    suffix: key,
    status: key,
    metadata: { [key]: key },
    error: { message: `Bearer ${key}` },
    echoed: [key],
  };
  upstream.on('/fine_tuning/jobs/ftjob-echo', jobBody({ id: 'ftjob-echo', ...echo }));
  upstream.on('/fine_tuning/jobs', failWith(401));
  for (const target of ['/files', '/models']) upstream.on(target, failWith(403));
  for (const status of [401, 404, 503]) onParts(upstream, `parts-${status}`, () => failWith(status));
  onParts(upstream, 'parts-text', () => (_: IncomingMessage, response: ServerResponse) => {
    writeResponse(response, 200, `${key} is no JSON`, { 'x-request-id': key });
  });
  onParts(upstream, 'parts-cut', () => (_: IncomingMessage, response: ServerResponse) => {
    response.write(key, () => response.destroy());
  });
  onParts(upstream, 'parts-echo', (body) => echoing(key, body));
  upstream.onContent('file-parts-echo', `{"a":"${key}"}`, `${key}\n`);
  upstream.onContent('file-results-parts-echo', toBase64(`step,${key},note\n1,2,${key}\n2,${key},"${key}, ${key}"\n`));
  const invalid = { data: [{ id: key }, { [key]: key }, key], has_more: true };
  onParts(upstream, 'parts-unreadable', () => invalid);

  const ids = [
    ...statuses.map((status) => `ftjob-${status}`),
    'ftjob-redirect',
    'ftjob-text',
    'ftjob-cut',
    'ftjob-wrong',
    'ftjob-echo',
    ...['401', '404', '503', 'text', 'cut', 'echo', 'unreadable'].map((name) => `ftjob-parts-${name}`),
    'ftjob-none',
    '../files',
  ];
  const received: string[] = [];
  await using gateway = startScript('src/main.ts', [], {
    PORT: '0',
    LOG_LEVEL: 'trace',
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: key,
    OPENAI_ORG_ID: 'org-test',
  });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(path, url), init);
    received.push(JSON.stringify([...response.headers]), await response.text());
  };
  const post = (query: string, variables: object = {}) =>
    send('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });

  // All at once, so that their retries wait at the same time.
  const fields = 'id raw rawStatus suffix error { message } metadata { key value }';
  const query = `query ($id: ID!) { fineTuningJob(id: $id) { ${fields} } node(id: $id) { id } }`;
  await Promise.all(ids.map((id) => post(query, { id })));
  await Promise.all(ids.map((id) => post(`query ($id: ID!) { fineTuningJob(id: $id) { ${PARTS} } }`, { id })));
  await post('{ files { edges { cursor } } models { edges { cursor } } odd: node(id: "odd") { id } }');
  for (const target of ['/files', '/models']) upstream.on(target, invalid);
  await post('{ files { edges { cursor node { id } } } models { edges { cursor node { id } } } }');
  await post(
    '{ fineTuningJobs { edges { node { id } } } gateway { upstreamName } __schema { types { name description } } }',
  );
  await post('{ nothing }');
  await post('{');
  await send('/graphql', { method: 'POST', body: 'x' });
  for (const path of ['/', '/health', '/ready', '/none', '/graphql?query={__typename}']) await send(path);
  await send('/graphql', { headers: { accept: 'text/html' } });
  gateway.signal('SIGTERM');
  await gateway.ended;

  const outputs = [...received, gateway.output.text];
  expect(upstream.calls.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true);
  expect(gateway.output.text).toContain('UPSTREAM_UNAUTHENTICATED');
  expect(outputs.filter((text) => text.includes(key))).toEqual([]);
  const invalidGateway = startScript('src/main.ts', [], {
    OPENAI_API_KEY: `${key} \u0001`,
    OPENAI_BASE_URL: `http://user:${key}@127.0.0.1/`,
    PORT: key,
  });
  expect(await invalidGateway.ended).toBe(1);
  expect(invalidGateway.output.text).toMatch(/PORT: .*is not a whole number/);
  expect(invalidGateway.output.text).not.toContain(key);
}, 30_000);
