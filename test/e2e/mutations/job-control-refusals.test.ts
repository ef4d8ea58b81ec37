import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

type Action = 'cancel' | 'pause' | 'resume';

const CONTROL = (action: Action) => `mutation { ${action}FineTuningJob(input: { jobId: "ftjob-1" }) {
  __typename
  ... on Error { code message }
  ... on ConflictError { status rawStatus fineTuningJob { id status viewerCanCancel } }
  ... on UpstreamError { upstreamStatus upstreamMessage }
} }`;

const envelope = (message: string, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', param: null, code },
});

/** The outcome of an action on a job with a status, which the upstream refuses. */
async function refuse(action: Action, job: string | null, status: number, body: unknown = envelope('Not now.')) {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  const { upstream, ask } = world;
  const failure = (code: number) => (_: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, code, code === status ? body : envelope('The server had an error.'));
  upstream.on(`/fine_tuning/jobs/ftjob-1/${action}`, failure(status));
  if (job === 'unreadable') upstream.on('/fine_tuning/jobs/ftjob-1', failure(500));
  else if (job !== null) upstream.onJob(jobBody({ id: 'ftjob-1', status: job }));
  const outcome = Object.values(await ask<Record<string, unknown>>(CONTROL(action)))[0];
  return { outcome, calls: world.targets().length };
}

/** Statuses that allow an action, also in the spellings of other servers. */
const ALLOWED: Record<Action, string[]> = {
  cancel: ['running', 'queued', 'paused', 'pending', 'notRunning', 'RUNNING'],
  pause: ['running'],
  resume: ['paused'],
};
const FORBIDDEN: Record<Action, string[]> = {
  cancel: ['succeeded', 'failed', 'cancelled', 'canceled', 'cancelling', 'completed'],
  pause: ['succeeded', 'queued', 'paused', 'pausing', 'completed'],
  resume: ['running', 'resuming', 'failed', 'queued'],
};
const each = (statuses: Record<Action, string[]>) =>
  Object.entries(statuses).flatMap(([action, list]) => list.map((status) => [action as Action, status] as const)); // Its own keys.

describe('an action that the upstream refuses', () => {
  it.each(each(ALLOWED))('to %s a job that is %s is not a conflict: the reason is another one', async (action, job) => {
    const message = 'Your organization is not allowed to manage this job.';
    for (const status of [400, 409, 422]) {
      expect((await refuse(action, job, status, envelope(message))).outcome).toEqual({
        __typename: 'UpstreamError',
        code: 'UPSTREAM_REJECTED',
        message: `The upstream rejected the request: ${message}`,
        upstreamStatus: status,
        upstreamMessage: message,
      });
    }
  });

  it.each(each(FORBIDDEN))('to %s a job that is %s is a conflict with the job', async (action, job) => {
    for (const status of [400, 409, 422]) {
      const { outcome, calls } = await refuse(action, job, status);
      expect(outcome).toMatchObject({
        __typename: 'ConflictError',
        code: 'CONFLICT',
        rawStatus: job,
        fineTuningJob: { id: 'ftjob-1' },
      });
      expect(calls).toBe(2);
    }
  });

  it.each(['cancel', 'pause', 'resume'] as const)(
    'to %s a job of an unknown status is not a conflict',
    async (action) => {
      const { outcome } = await refuse(action, 'provisioning', 400);
      expect(outcome).toMatchObject({ __typename: 'UpstreamError', upstreamMessage: 'Not now.' });
    },
  );

  it.each([
    [401, 'UpstreamError', 'UPSTREAM_UNAUTHENTICATED'],
    [402, 'QuotaExceededError', 'UPSTREAM_QUOTA_EXCEEDED'],
    [403, 'UpstreamError', 'UPSTREAM_FORBIDDEN'],
    [405, 'UpstreamError', 'UPSTREAM_UNSUPPORTED'],
    [429, 'UpstreamError', 'UPSTREAM_RATE_LIMITED'],
  ])('with %i is %s whatever the status of the job, which is not read', async (status, __typename, code) => {
    const { outcome, calls } = await refuse('cancel', 'succeeded', status);
    expect(outcome).toMatchObject({ __typename, code });
    expect(calls).toBe(1);
  });

  it('keeps the sentence of the refusal when the job cannot be read after it', async () => {
    const { outcome } = await refuse('cancel', 'unreadable', 400);
    expect(outcome).toMatchObject({ __typename: 'UpstreamError', upstreamStatus: 400, upstreamMessage: 'Not now.' });
  });

  it.each([404, 400])('with %i is NotFoundError when there is no such job', async (status) => {
    const body = envelope('Could not find fine tune: ftjob-1', 'fine_tune_not_found');
    expect((await refuse('cancel', null, status, body)).outcome).toMatchObject({ __typename: 'NotFoundError' });
  });
});

it('a conflict of an idempotency key has the job that was created with it', async () => {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  const { upstream, ask } = world;
  const job = jobBody({ id: 'ftjob-1' });
  upstream.onJob(job);
  upstream.on('/fine_tuning/jobs', ({ method }: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, method === 'POST' ? job : { object: 'list', data: [], has_more: false }),
  );
  const create = (suffix: string) => `mutation { createFineTuningJob(
    input: { modelId: "m", trainingFileId: "file-1", suffix: "${suffix}", idempotencyKey: "k" }
  ) { __typename ... on ConflictError { fineTuningJob { id } } } }`;
  await ask(create('one'));
  expect(await ask(create('two'))).toEqual({
    createFineTuningJob: { __typename: 'ConflictError', fineTuningJob: { id: 'ftjob-1' } },
  });
});
