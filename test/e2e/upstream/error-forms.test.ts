import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const CREATE = `mutation { createFineTuningJob(input: { modelId: "gpt-3.5-turbo-0613", trainingFileId: "file-1" }) {
  __typename
  ... on Error { code message }
  ... on UpstreamError { upstreamStatus upstreamMessage isRetryable retryAfterSeconds }
  ... on QuotaExceededError { upstreamMessage retryAfterSeconds }
} }`;
const RESUME = `mutation { resumeFineTuningJob(input: { jobId: "ftjob-1" }) {
  __typename
  ... on Error { code message }
  ... on UpstreamError { upstreamMessage }
  ... on QuotaExceededError { upstreamMessage }
} }`;
const JSON_TYPE = 'application/json';

/** The outcome of a mutation that the upstream refuses with this body. */
async function refuse(status: number, body: unknown, headers: Record<string, string> = {}, mutation = CREATE) {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on', UPSTREAM_RETRIES: '3', OPENAI_API_KEY: KEY });
  world.upstream.failAll((_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, status, body, headers),
  );
  const [outcome] = Object.values(await world.ask<Record<string, unknown>>(mutation));
  return { outcome: Object(outcome), calls: world.upstream.calls.length };
}

const KEY = 'test-4f1c9a52-77de-4c1b-9e0a-3b1a2c5d6e7f';
const NO = 'The suffix is too long.';

describe('the sentence of a refusal is shown alone', () => {
  it.each<[string, unknown, string]>([
    ['an error object', { error: { message: NO } }, NO],
    ['an error object with `msg`', { error: { msg: NO, code: 400 } }, NO],
    ['an error object with `detail`', { error: { detail: NO } }, NO],
    ['an error object in an error object', { error: { error: { message: NO } } }, NO],
    ['an error object with `errors`', { error: { errors: [{ message: NO }] } }, NO],
    ['an error object with `errors` and a code', { error: { code: 422, errors: [{ reason: 'x', message: NO }] } }, NO],
    ['an error object by field', { error: { suffix: ['is too long'] } }, 'suffix: is too long'],
    ['`detail` beside an error object without a message', { error: { type: 'x', message: '' }, detail: NO }, NO],
    ['`detail` with `errors`', { detail: { errors: [{ message: NO }] } }, NO],
    ['`error`', { error: NO }, NO],
    ['`detail`', { detail: NO }, NO],
    ['`message`', { message: NO }, NO],
    ['`message` and a number', { object: 'error', message: NO, code: 400 }, NO],
    ['`detail` with a message', { detail: { message: NO, code: 'x' } }, NO],
    ['`detail` with `error`', { detail: { error: NO } }, NO],
    ['`errors`', { errors: [{ message: NO }] }, NO],
    ['`errors` that are texts', { errors: [NO, 'So is the name.'] }, `${NO}; So is the name.`],
    ['`errors` by field', { errors: { suffix: ['is too long', 'is odd'] } }, 'suffix: is too long; is odd'],
    ['problem details', { type: 'about:blank', title: 'Invalid input.', status: 400, detail: NO }, NO],
    [
      'a title and `errors`',
      { title: 'Invalid input', errors: { suffix: ['is long'] } },
      'Invalid input: suffix: is long',
    ],
    ['OAuth', { error: 'invalid_request', error_description: NO }, NO],
    ['a list of messages', { message: [NO, 'So is the name.'], error: 'Bad Request' }, `${NO}; So is the name.`],
    ['a list of bodies', [{ error: { message: NO, status: 'INVALID_ARGUMENT' } }], NO],
    ['a JSON string', JSON.stringify(NO), NO],
    [
      "FastAPI's issues",
      {
        detail: [
          { type: 'missing', loc: ['body', 'training_file'], msg: 'Field required', input: { secret: 1 } },
          { type: 'int', loc: ['body', 'hyperparameters', 0], msg: 'Input should be an integer' },
        ],
      },
      'training_file: Field required; hyperparameters.0: Input should be an integer',
    ],
  ])('in %s', async (_, body, sentence) => {
    const { outcome } = await refuse(422, body);
    expect(outcome).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_REJECTED',
      message: `The upstream rejected the request: ${sentence}${/[.]$/.test(sentence) ? '' : '.'}`,
      upstreamMessage: sentence,
      upstreamStatus: 422,
    });
  });

  it.each(['text/plain', 'text/plain; charset=utf-8', 'text/html; charset=utf-8', JSON_TYPE])(
    'in plain text of the type %s',
    async (type) => {
      const { outcome } = await refuse(400, `${NO}\n`, { 'content-type': type });
      expect(outcome).toMatchObject({ code: 'UPSTREAM_REJECTED', upstreamMessage: NO });
    },
  );

  it.each<[string, string, string]>([
    ['an HTML page', '<!doctype html><h1>Bad Request</h1>', 'text/html'],
    ['a page that claims to be text', '<html>nginx</html>', 'text/plain'],
    ['JSON that was cut off', '{"error": {"message": "No', JSON_TYPE],
    ['a stack trace', 'Traceback (most recent call last):\n  File "a.py"', 'text/plain'],
    ['bytes', '\u0000\u0001', 'application/octet-stream'],
  ])('but not of %s', async (_, body, type) => {
    const { outcome } = await refuse(400, body, { 'content-type': type });
    expect(outcome).toMatchObject({ code: 'UPSTREAM_REJECTED', upstreamMessage: null });
  });

  it.each<[string, (text: string) => unknown, string]>([
    ['`detail`', (detail) => ({ detail }), JSON_TYPE],
    ['`errors`', (message) => ({ errors: [{ message }] }), JSON_TYPE],
    ['plain text', (text) => text, 'text/plain'],
  ])('bounded, without credentials and URLs, in %s', async (_, bodyOf, type) => {
    const headers = { 'content-type': type };
    const long = await refuse(400, bodyOf(`${'x'.repeat(499)}😀${'y'.repeat(9000)}`), headers);
    expect(long.outcome.upstreamMessage).toBe('x'.repeat(499));
    const secret = await refuse(400, bodyOf(`No ${KEY} at https://inner.example/a.`), headers);
    expect(secret.outcome.upstreamMessage).toBe('No [credential] at …');
    const part = await refuse(400, bodyOf(`No ${KEY.slice(0, 20)}…`), headers);
    expect(part.outcome.upstreamMessage).toBeNull();
  });

  it('of a long list in its first five items', async () => {
    const errors = Array.from({ length: 12 }, (_, index) => ({ message: `No ${index}` }));
    const { outcome } = await refuse(400, { errors });
    expect(outcome.upstreamMessage).toBe('No 0; No 1; No 2; No 3; No 4; and 7 more');
  });

  it.each<[number, unknown]>([
    [429, { code: 'insufficient_quota', message: NO }],
    [400, { errors: [{ code: 'quotaExceeded', message: NO }] }],
    [400, { error: { errors: [{ code: 'quotaExceeded', message: NO }] } }],
  ])('with the code of a quota beside it: %i %j', async (status, body) => {
    const { outcome } = await refuse(status, body);
    expect(outcome).toMatchObject({ code: 'UPSTREAM_QUOTA_EXCEEDED', upstreamMessage: NO });
  });
});

const ACTIVE =
  "This fine-tune request has been rate-limited. Your organization has reached the maximum of 3 active requests (2 running, 1 pending) for the model 'gpt-3.5-turbo-0613'.";

describe('a 429 about a quota of jobs', () => {
  it.each([
    ACTIVE,
    "This fine-tune request has been rate-limited. Your organization has reached the maximum of 8 fine-tuning requests per day for the model 'gpt-4o'.",
    'You have too many running fine-tuning jobs.',
    'At most 2 concurrent jobs are allowed for this project.',
    'Only 3 jobs can train at the same time.',
  ])('is QuotaExceededError with the sentence, and is not retried: %s', async (message) => {
    const error = { message, type: 'invalid_request_error', param: null, code: 'rate_limit_exceeded' };
    const { outcome, calls } = await refuse(429, { error }, { 'x-should-retry': 'true', 'retry-after': '3600' });
    expect(outcome).toMatchObject({
      __typename: 'QuotaExceededError',
      code: 'UPSTREAM_QUOTA_EXCEEDED',
      message: `A quota or the credit of the upstream account is used up: ${message}`,
      upstreamMessage: message,
    });
    expect(calls).toBe(1);
  });

  it.each([
    'Rate limit reached for requests. Limit: 3 / min. Please try again in 20s.',
    'Too many concurrent requests to /v1/fine_tuning/jobs.',
    'Too many concurrent requests to the fine-tuning API. Retry after 2 seconds.',
    'At most 5 concurrent uploads for fine-tuning.',
    'Too many parallel API requests for fine-tuning jobs.',
    'Too many requests to the fine-tuning API at the same time.',
    'The pod gateway-7 is too busy.',
  ])('is not one about requests, which has its sentence too: %s', async (message) => {
    for (const body of [{ error: { message, code: 'rate_limit_exceeded' } }, { detail: message }]) {
      const { outcome } = await refuse(429, body);
      expect(outcome).toMatchObject({
        __typename: 'UpstreamError',
        code: 'UPSTREAM_RATE_LIMITED',
        message: `The upstream rate limit is reached: ${message}`,
        upstreamMessage: message,
        isRetryable: true,
      });
    }
  });

  it('is not one with a short retry-after, nor one of another mutation', async () => {
    const body = { error: { message: ACTIVE, code: 'rate_limit_exceeded' } };
    const expected = { code: 'UPSTREAM_RATE_LIMITED', upstreamMessage: ACTIVE };
    expect((await refuse(429, body, { 'retry-after': '2' })).outcome).toMatchObject(expected);
    expect((await refuse(429, body, {}, RESUME)).outcome).toMatchObject(expected);
  });

  it('is a rate limit for a query', async () => {
    await using world = await startWorld({ UPSTREAM_RETRIES: '0' });
    const body = { error: { message: ACTIVE, code: 'rate_limit_exceeded' } };
    world.upstream.failAll((_: IncomingMessage, response: ServerResponse) => writeResponse(response, 429, body));
    const { errors } = await world.gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }');
    const message = `The upstream rate limit is reached: ${ACTIVE}`;
    expect(errors).toMatchObject([{ message, extensions: { code: 'UPSTREAM_RATE_LIMITED' } }]);
  });
});

describe('a 404', () => {
  it.each<[string, unknown, string, boolean]>([
    ['of FastAPI', { detail: 'Not Found' }, JSON_TYPE, true],
    ['of Spring', { status: 404, error: 'Not Found', path: '/v1/x' }, JSON_TYPE, true],
    ["of Azure's router", { error: { code: '404', message: 'Resource not found' } }, JSON_TYPE, true],
    ["of Azure's API Management", { statusCode: 404, message: 'Resource not found' }, JSON_TYPE, true],
    ['of Go', '404 page not found', 'text/plain', true],
    ['about the job', { message: 'No job has this id.' }, JSON_TYPE, false],
    ['about the job in a list', { errors: [{ message: 'No job has this id.' }] }, JSON_TYPE, false],
  ])('%s is about the endpoint or the job', async (_, body, type, isMissing) => {
    const { outcome } = await refuse(404, body, { 'content-type': type }, RESUME);
    expect(outcome.code).toBe(isMissing ? 'UPSTREAM_UNSUPPORTED' : 'NOT_FOUND');
  });
});
