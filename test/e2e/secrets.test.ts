import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { jobBody } from '../kit/job.ts';
import { startScript } from '../kit/process.ts';
import { answer, startUpstream } from '../kit/upstream.ts';

/**
 * The upstream repeats the credential wherever it can, the gateway is led through every kind of error at the lowest log
 * level, and all that leaves any of the processes is searched.
 */
it('the upstream key appears in no answer, no log line and no error', async () => {
  const key = `test-${crypto.randomUUID()}`;
  await using upstream = await startUpstream();
  const tell =
    (status: number, headers: Record<string, string> = {}) =>
    (request: IncomingMessage, response: ServerResponse) => {
      const message = `Incorrect API key provided: ${request.headers.authorization}`;
      answer(
        response,
        status,
        { error: { message, type: message, param: message, code: message } },
        { 'x-request-id': key, ...headers },
      );
    };
  const statuses = [400, 401, 403, 404, 409, 422, 429, 500, 503];
  for (const status of statuses) upstream.on(`/fine_tuning/jobs/ftjob-${status}`, tell(status));
  upstream.on('/fine_tuning/jobs/ftjob-redirect', tell(302, { location: `http://127.0.0.1:1/?key=${key}` }));
  upstream.on('/fine_tuning/jobs/ftjob-text', (_: unknown, response: ServerResponse) =>
    answer(response, 200, `${key} is no JSON`),
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
  upstream.on('/fine_tuning/jobs', tell(401));

  const ids = [
    ...statuses.map((status) => `ftjob-${status}`),
    'ftjob-redirect',
    'ftjob-text',
    'ftjob-cut',
    'ftjob-wrong',
    'ftjob-echo',
    'ftjob-none',
    '../files',
  ];
  const said: string[] = [];
  await using gateway = startScript('src/main.ts', [], {
    PORT: '0',
    LOG_LEVEL: 'trace',
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: key,
    OPENAI_ORG_ID: 'org-test',
  });
  const [, url = ''] = await gateway.said(/answers on (http:\S+\/graphql)/);
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(path, url), init);
    said.push(JSON.stringify([...response.headers]), await response.text());
  };
  const post = (query: string, variables: object = {}) =>
    send('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });

  for (const id of ids)
    await post(
      'query ($id: ID!) { fineTuningJob(id: $id) { id raw rawStatus suffix error { message } metadata { key value } } node(id: $id) { id } }',
      { id },
    );
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

  const outputs = [...said, gateway.output.text];
  expect(upstream.calls.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true);
  expect(gateway.output.text).toContain('UPSTREAM_UNAUTHENTICATED');
  expect(outputs.filter((text) => text.includes(key))).toEqual([]);
  const faulty = startScript('src/main.ts', [], {
    OPENAI_API_KEY: `${key} \u0001`,
    OPENAI_BASE_URL: `http://user:${key}@127.0.0.1/`,
    PORT: key,
  });
  expect(await faulty.ended).toBe(1);
  expect(faulty.output.text).toContain('PORT: expected');
  expect(faulty.output.text).not.toContain(key);
}, 30_000);
