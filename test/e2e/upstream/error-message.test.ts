import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const KEY = 'test-0a1b2c3d-4e5f-6789-abcd-ef0123456789';
const ADMIN_KEY = 'admin-9f8e7d6c-5b4a-3210-fedc-ba9876543210';
const QUERY = '{ fineTuningJob(id: "ftjob-1") { id } }';
const SUBSCRIPTION = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';
const CANCEL = `mutation { cancelFineTuningJob(input: { jobId: "ftjob-1" }) {
  ... on Error { code message }
  ... on UpstreamError { upstreamStatus upstreamMessage }
  ... on QuotaExceededError { upstreamMessage }
} }`;
const CREATE = `mutation { createFineTuningJob(input: { modelId: "gpt-x", trainingFileId: "file-1" }) {
  ... on Error { code message }
  ... on UpstreamError { upstreamMessage }
} }`;

/** Starts a gateway whose upstream sends this response to every request for a job. */
async function start(status: number, body: unknown) {
  const upstream = await startUpstream();
  const keys = { OPENAI_API_KEY: KEY, OPENAI_ADMIN_KEY: ADMIN_KEY };
  const settings = { OPENAI_BASE_URL: upstream.baseUrl, ...keys, ALLOW_MUTATIONS: 'on', UPSTREAM_RETRIES: '0' };
  const gateway = await startGateway(settings);
  const respond = (_: unknown, response: ServerResponse) => writeResponse(response, status, body);
  for (const path of ['', '/ftjob-1', '/ftjob-1/cancel']) upstream.on(`/fine_tuning/jobs${path}`, respond);
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The error of a query. */
async function queryError(status: number, body: unknown) {
  await using world = await start(status, body);
  const { errors } = await world.gateway.query(QUERY);
  return { ...errors?.[0]?.extensions, message: errors?.[0]?.message };
}

/** The outcome of a mutation. */
async function mutationError(status: number, body: unknown, mutation = CANCEL) {
  await using world = await start(status, body);
  const { data, errors } = await world.gateway.query(mutation);
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

/** The first result of a subscription. */
async function subscriptionError(status: number, body: unknown) {
  await using world = await start(status, body);
  await using stream = await openSse(world.gateway.url, { query: SUBSCRIPTION });
  const { errors } = Object(await stream.result());
  return { ...errors?.[0]?.extensions, message: errors?.[0]?.message };
}

const envelope = (message: string, code: string | null = null) => ({ error: { message, code } });

const SHOWN: [number, { error: { message: string } }, string, string][] = [
  [
    403,
    envelope('Jobs cannot be created on this plan.'),
    'UPSTREAM_FORBIDDEN',
    'The upstream does not permit this request with this credential: Jobs cannot be created on this plan.',
  ],
  [
    429,
    envelope('Too many requests. Limit: 3 / min.', 'rate_limit_exceeded'),
    'UPSTREAM_RATE_LIMITED',
    'The upstream rate limit is reached: Too many requests. Limit: 3 / min.',
  ],
  [
    429,
    envelope('At most 8 jobs a day', 'daily_rate_limit_exceeded'),
    'UPSTREAM_QUOTA_EXCEEDED',
    'A quota or the credit of the upstream account is used up: At most 8 jobs a day.',
  ],
];
/** Sentences with characters that a terminal or a browser interprets. */
const UNSAFE = 'Not\nthis \u001b[2J\u0000one\u009b\u202etxt\u2066.exe\u200f\u2028!';
const SAFE = 'Not this  [2J one txt .exe !';

const REJECTED = 'Model gpt-x is not available for fine-tuning or does not exist.';

describe('the message of an error contains the sentence of the upstream', () => {
  it.each(SHOWN)('in a mutation, beside upstreamMessage: %i', async (status, body, code, message) => {
    expect(await mutationError(status, body)).toMatchObject({ code, message, upstreamMessage: body.error.message });
  });

  it('in a mutation that the upstream rejects', async () => {
    expect(await mutationError(400, envelope(REJECTED), CREATE)).toEqual({
      code: 'UPSTREAM_REJECTED',
      message: `The upstream rejected the request: ${REJECTED}`,
      upstreamMessage: REJECTED,
    });
  });

  it.each([
    ...SHOWN,
    [422, envelope(REJECTED), 'UPSTREAM_REJECTED', `The upstream rejected the request: ${REJECTED}`] as const,
  ])('in a query: %i', async (status, body, code, message) => {
    expect(await queryError(status, body)).toEqual({ code, message, upstreamStatus: status });
  });

  // A subscription waits while the upstream limits its calls.
  it.each(SHOWN.filter(([, , code]) => code !== 'UPSTREAM_RATE_LIMITED'))(
    'in a subscription: %i',
    async (status, body, code, message) => {
      expect(await subscriptionError(status, body)).toMatchObject({ code, message });
    },
  );

  it('in at most 500 characters', async () => {
    const { message } = await queryError(403, envelope('x'.repeat(100_000)));
    expect(message).toBe(`The upstream does not permit this request with this credential: ${'x'.repeat(500)}.`);
  });

  it('on one line, without control characters and without those that change the direction of the text', async () => {
    const message = `The upstream rejected the request: ${SAFE}`;
    expect((await queryError(422, envelope(UNSAFE))).message).toBe(message);
    expect(await mutationError(422, envelope(UNSAFE))).toMatchObject({ message, upstreamMessage: SAFE });
    expect((await subscriptionError(422, envelope(UNSAFE))).message).toBe(message);
  });

  it('without a key that such characters cut in two', async () => {
    const text = `Not for ${KEY.slice(0, 8)}\u202e${KEY.slice(8)}.`;
    for (const status of [403, 429]) {
      const outcome = Object(await mutationError(status, envelope(text)));
      expect(JSON.stringify(outcome)).not.toContain(KEY.slice(8));
    }
  });

  it('without URLs', async () => {
    const body = envelope('Not here. See https://inner.example/a?b=c or ask http://10.0.0.1');
    const upstreamMessage = 'Not here. See … or ask …';
    const message = `The upstream does not permit this request with this credential: ${upstreamMessage}`;
    expect(await mutationError(403, body)).toMatchObject({ message, upstreamMessage });
    expect(await queryError(403, body)).toMatchObject({ message });
  });

  it.each([KEY, ADMIN_KEY])('without the key in it: %s', async (key) => {
    const body = envelope(`Not for ${key}.`);
    const upstreamMessage = 'Not for [credential].';
    const message = `The upstream does not permit this request with this credential: ${upstreamMessage}`;
    expect(await mutationError(403, body)).toMatchObject({ message, upstreamMessage });
    expect(await queryError(403, body)).toMatchObject({ message });
  });
});

const FORBIDDEN =
  'The upstream does not permit this request with this credential. Check the permissions of the key and its project.';

describe('the message of an error advises what to do, without the sentence of the upstream,', () => {
  it.each([
    ['contains a part of the key', 403, envelope(`Not for ${KEY.slice(0, 14)}…`), FORBIDDEN],
    [
      'is about the credential',
      401,
      envelope('Incorrect API key provided: test-0a*****'),
      'The upstream did not accept the credential (HTTP 401). Check the key, organization and project.',
    ],
    [
      'is about the upstream itself',
      405,
      envelope('The pod gateway-7 has no such method.'),
      'The upstream does not support this request. Check that the base URL is that of a server with this endpoint.',
    ],
    [
      'is blank under a rate limit',
      429,
      envelope(' '),
      'The upstream rate limit is reached. Retry later, after retryAfterSeconds when given.',
    ],
    ['is not an error of the dialect', 403, '<html>nginx</html>', FORBIDDEN],
    ['is blank', 403, envelope(' '), FORBIDDEN],
  ])('when that %s', async (_, status, body, message) => {
    expect(await mutationError(status, body)).toMatchObject({ message, upstreamMessage: null });
    expect(await queryError(status, body)).toMatchObject({ message });
  });

  it('in a subscription too', async () => {
    const body = envelope(`Not for ${KEY.slice(0, 14)}…`);
    expect(await subscriptionError(403, body)).toMatchObject({ message: FORBIDDEN });
  });
});
