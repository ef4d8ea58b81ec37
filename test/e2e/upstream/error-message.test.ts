import { expect, it } from 'vitest';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';

const KEY = 'test-0a1b2c3d-4e5f-6789-abcd-ef0123456789';
const ADMIN_KEY = 'admin-9f8e7d6c-5b4a-3210-fedc-ba9876543210';
const CANCEL = `mutation { cancelFineTuningJob(input: { jobId: "ftjob-1" }) {
  ... on Error { code }
  ... on UpstreamError { upstreamStatus upstreamMessage }
  ... on QuotaExceededError { upstreamMessage }
} }`;

/** What a mutation answers when the upstream answers it like this. */
async function answerTo(status: number, body: unknown) {
  await using upstream = await startUpstream();
  const keys = { OPENAI_API_KEY: KEY, OPENAI_ADMIN_KEY: ADMIN_KEY };
  const settings = { OPENAI_BASE_URL: upstream.baseUrl, ...keys, ALLOW_MUTATIONS: 'on' };
  await using gateway = await startGateway({ ...settings, UPSTREAM_RETRIES: '0' });
  upstream.on('/fine_tuning/jobs/ftjob-1/cancel', (_: unknown, response: Parameters<typeof answer>[0]) =>
    answer(response, status, body),
  );
  upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: Parameters<typeof answer>[0]) =>
    answer(response, 500, {}),
  );
  const { data, errors } = await gateway.query(CANCEL);
  expect(errors).toBeUndefined();
  return data?.['cancelFineTuningJob'];
}

const saying = (message: string, code: string | null = null) => ({ error: { message, code } });

it.each([
  [403, saying('Jobs cannot be created on this plan.'), 'UPSTREAM_FORBIDDEN'],
  [429, saying('At most 8 jobs a day.', 'daily_rate_limit_exceeded'), 'UPSTREAM_QUOTA_EXCEEDED'],
])('who changes something is told what the upstream says of it: %i', async (status, body, code) => {
  expect(await answerTo(status, body)).toMatchObject({ code, upstreamMessage: body.error.message });
});

it('what the upstream says is told without the addresses in it', async () => {
  const body = saying('Not here. See https://inner.example/a?b=c or ask http://10.0.0.1');
  expect(await answerTo(403, body)).toMatchObject({ upstreamMessage: 'Not here. See … or ask …' });
});

it.each([KEY, ADMIN_KEY])('what the upstream says is told without a key in it: %s', async (key) => {
  expect(await answerTo(403, saying(`Not for ${key}.`))).toMatchObject({ upstreamMessage: 'Not for [credential].' });
});

it.each([
  ['has a part of the key in it', 403, saying(`Not for ${KEY.slice(0, 14)}…`)],
  ['is about the credential', 401, saying('Incorrect API key provided: test-0a*****')],
  ['is about itself', 429, saying('The pod gateway-7 is too busy.')],
  ['is no message of the dialect', 403, '<html>nginx</html>'],
  ['is nothing', 403, saying(' ')],
])('what the upstream says is not told when it %s', async (_, status, body) => {
  expect(await answerTo(status, body)).toMatchObject({ upstreamMessage: null });
});
