import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { EXAMPLES, mutate } from '../../kit/mutation/examples.ts';

const KEY = 'test-0a1b2c3d-4e5f-6789-abcd-ef0123456789';
const MESSAGE = 'message withheld: it contains the credential';

/** The client's error and the log line when the upstream rejects a read with this message and request id. */
async function rejectWith(message: string, requestId: string) {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: KEY });
  upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: ServerResponse) =>
    writeResponse(response, 401, { error: { message } }, { 'x-request-id': requestId }),
  );
  const { errors } = await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
  const line = gateway.log.find(({ msg }) => msg === 'upstream call failed');
  return { extensions: errors?.[0]?.extensions, line };
}

it.each([
  ['all but its end', KEY.slice(0, -1)],
  ['a part', `req_${KEY.slice(10, 18)}`],
  ['all of it backwards', [...KEY].reverse().join('')],
  ['its base64', Buffer.from(KEY).toString('base64url')],
])('a request id that contains the key is neither returned nor logged: %s', async (_, requestId) => {
  const { extensions, line } = await rejectWith('No.', requestId);
  expect(extensions).toEqual({ code: 'UPSTREAM_UNAUTHENTICATED', upstreamStatus: 401 });
  expect(line).toMatchObject({ detail: 'No.' });
  expect(JSON.stringify(line)).not.toContain(requestId);
});

it('a request id with seven characters of the key is returned', async () => {
  const { extensions } = await rejectWith('No.', `req_${KEY.slice(10, 17)}`);
  expect(extensions).toMatchObject({ upstreamRequestId: `req_${KEY.slice(10, 17)}` });
});

it.each([
  ['a part', `Wrong: ${KEY.slice(0, 20)}…`],
  ['a part at the end of a truncated message', `${'x'.repeat(480)}${KEY}`.slice(0, 510)],
  ['base64', `Wrong: ${Buffer.from(KEY).toString('base64')}`],
  ['base64 of the whole header', `Wrong: ${Buffer.from(`Bearer ${KEY}`).toString('base64')}`],
  [
    'characters encoded for a URL',
    `Wrong: ${[...KEY].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('')}`,
  ],
  ['hexadecimal', `Wrong: ${Buffer.from(KEY).toString('hex')}`],
])('a message that contains the key is not logged: %s', async (_, message) => {
  const { line } = await rejectWith(message, 'req_1');
  expect(line).toMatchObject({ detail: MESSAGE, upstreamRequestId: 'req_1' });
});

it('a message without the key is logged', async () => {
  const { line } = await rejectWith('Incorrect API key provided: test-0a********', 'req_1');
  expect(line).toMatchObject({ detail: 'Incorrect API key provided: test-0a********' });
});

const ADMIN_KEY = 'admin-9f8e7d6c-5b4a-3210-fedc-ba9876543210';
/** The forms in which an upstream could repeat a key. */
const ECHOES: [string, (key: string) => string][] = [
  ['all of it', (key) => key],
  ['a part', (key) => key.slice(0, 20)],
  ['base64', (key) => Buffer.from(key).toString('base64url')],
];

describe.each(Object.keys(EXAMPLES))('%s, when the upstream repeats the rejected key,', (mutation) => {
  it.each(ECHOES)('neither returns nor logs %s of it', async (_, echoOf) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({
      OPENAI_BASE_URL: upstream.baseUrl,
      OPENAI_API_KEY: KEY,
      OPENAI_ADMIN_KEY: ADMIN_KEY,
      ALLOW_MUTATIONS: 'on',
    });
    const echoes: string[] = [];
    upstream.failAll(async (request, response) => {
      await buffer(request);
      const echo = echoOf(request.headers.authorization?.replace('Bearer ', '') ?? '');
      echoes.push(echo);
      const error = { message: `Wrong: ${echo}`, type: echo, code: echo, param: echo };
      writeResponse(response, 401, { error }, { 'x-request-id': echo.replaceAll(/[^\w-]/g, '') });
    });
    const { outcome } = await mutate(gateway.url, '', mutation, EXAMPLES[mutation]?.input ?? {});
    expect(outcome).toMatchObject({ __typename: 'UpstreamError', code: 'UPSTREAM_UNAUTHENTICATED' });
    const line = gateway.log.find(({ msg }) => msg === 'mutation');
    expect(line).toMatchObject({ mutation, outcome: 'UpstreamFailure' });
    expect(echoes).toHaveLength(1);
    expect(JSON.stringify([outcome, gateway.log])).not.toContain(echoes[0]);
  });

  it.each(ECHOES)("neither returns nor logs %s of the gateway's other key", async (_, echoOf) => {
    await using upstream = await startUpstream();
    const keys = { OPENAI_API_KEY: KEY, OPENAI_ADMIN_KEY: ADMIN_KEY };
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...keys, ALLOW_MUTATIONS: 'on' });
    const echoes: string[] = [];
    upstream.failAll(async (request, response) => {
      await buffer(request);
      const echo = echoOf(request.headers.authorization?.includes(KEY) ? ADMIN_KEY : KEY);
      echoes.push(echo);
      writeResponse(
        response,
        400,
        { error: { message: `Wrong: ${echo}` } },
        { 'x-request-id': echo.replaceAll(/[^\w-]/g, '') },
      );
    });
    const { outcome } = await mutate(gateway.url, '', mutation, EXAMPLES[mutation]?.input ?? {});
    expect(echoes.length).toBeGreaterThan(0);
    expect(JSON.stringify([outcome, gateway.log])).not.toContain(echoes[0]);
  });
});
