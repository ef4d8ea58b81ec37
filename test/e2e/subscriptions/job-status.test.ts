import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import type { SseStream } from '../../kit/client/sse.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const STATUS = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status rawStatus previousStatus rawPreviousStatus source } }`;
const SUBSCRIPTIONS: [string, string][] = [
  ['fineTuningJobStatusChanged', STATUS],
  ['fineTuningJobEventAdded', `subscription { fineTuningJobEventAdded(jobId: "${JOB}") { event { id } } }`],
  ['fineTuningJobMetricsAdded', `subscription { fineTuningJobMetricsAdded(jobId: "${JOB}") { point { step } } }`],
];

async function start(status: string | null, settings: Record<string, string> = {}) {
  const feed = await startFeed(settings);
  const setStatus = (status: string, members = {}) => feed.upstream.onJob(jobBody({ id: JOB, status, ...members }));
  if (status !== null) setStatus(status);
  feed.upstream.onEvents(JOB, []);
  return { ...feed, setStatus, [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose]() };
}

const change = (status: string, previousStatus: string | null, source: string) => ({
  data: { fineTuningJobStatusChanged: expect.objectContaining({ status, previousStatus, source }) },
});

/** Expects this error, and then the end of the stream. */
async function expectEnd(stream: SseStream, error: object): Promise<void> {
  expect(await stream.result()).toMatchObject({ errors: [error] });
  expect(await stream.next()).toEqual({ event: 'complete', data: '' });
  expect(await stream.next()).toBeUndefined();
}

const invalidKey = { error: { message: 'Incorrect API key provided.', code: 'invalid_api_key' } };

describe('a subscription to one job', () => {
  it.each(SUBSCRIPTIONS)('ends with one error when the job does not exist: %s', async (field, query) => {
    await using feed = await start(null);
    await using stream = await feed.subscribe(query);
    await feed.advanceBy(0);
    await expectEnd(stream, {
      message: expect.stringMatching(/^jobId: is not the id of a job;/),
      path: [field],
      extensions: { code: 'NOT_FOUND' },
    });
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });

  it.each(SUBSCRIPTIONS)('ends with one error when the job is deleted: %s', async (field, query) => {
    await using feed = await start('running');
    await using stream = await feed.subscribe(query);
    await feed.advanceBy(INTERVAL_MS);
    feed.upstream.on(`/fine_tuning/jobs/${JOB}`, undefined);
    feed.upstream.on(`/fine_tuning/jobs/${JOB}/events`, undefined);
    await feed.advanceBy(INTERVAL_MS);
    if (query === STATUS) expect(await stream.result()).toEqual(change('RUNNING', null, 'SNAPSHOT'));
    await expectEnd(stream, { path: [field], extensions: { code: 'NOT_FOUND' } });
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });

  it.each(SUBSCRIPTIONS)('ends with one error when the upstream rejects the credential: %s', async (field, query) => {
    await using feed = await start('running');
    await using stream = await feed.subscribe(query);
    await feed.advanceBy(INTERVAL_MS);
    feed.upstream.failAll((_, response) => writeResponse(response, 401, invalidKey));
    await feed.advanceBy(INTERVAL_MS);
    if (query === STATUS) expect(await stream.result()).toEqual(change('RUNNING', null, 'SNAPSHOT'));
    await expectEnd(stream, { path: [field], extensions: { code: 'UPSTREAM_UNAUTHENTICATED' } });
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });

  it('ends with the upstream error when the job exists but its event log does not', async () => {
    await using feed = await start('running');
    feed.upstream.on(`/fine_tuning/jobs/${JOB}/events`, undefined);
    await using stream = await feed.subscribe(SUBSCRIPTIONS[1]?.[1] ?? '');
    await feed.advanceBy(0);
    await expectEnd(stream, { extensions: { code: 'UPSTREAM_REJECTED', upstreamStatus: 404 } });
    expect(await feed.advanceBy(60_000)).toEqual([]);
  });

  it('ends for the caller whose own key is rejected, and for no other caller', async () => {
    await using feed = await start('running', { AUTH: 'passthrough' });
    const [ann, bob] = [`ann-${crypto.randomUUID()}`, `bob-${crypto.randomUUID()}`];
    await using first = await feed.subscribe(STATUS, {}, { authorization: `Bearer ${ann}` });
    await using second = await feed.subscribe(STATUS, {}, { authorization: `Bearer ${bob}` });
    await feed.advanceBy(0);
    feed.upstream.on(`/fine_tuning/jobs/${JOB}`, ({ headers }: IncomingMessage, response: ServerResponse) => {
      if (headers.authorization === `Bearer ${ann}`) writeResponse(response, 401, invalidKey);
      else writeResponse(response, 200, jobBody({ id: JOB, status: 'paused' }));
    });
    await feed.advanceBy(INTERVAL_MS);
    for (const stream of [first, second]) expect(await stream.result()).toEqual(change('RUNNING', null, 'SNAPSHOT'));
    await expectEnd(first, { extensions: { code: 'UPSTREAM_UNAUTHENTICATED' } });
    expect(await second.result()).toEqual(change('PAUSED', 'RUNNING', 'POLL'));
    expect(await feed.advanceBy(INTERVAL_MS)).toHaveLength(1);
  });

  it.each(['succeeded', 'failed', 'cancelled'])('sends one snapshot of a %s job, and is complete', async (status) => {
    await using feed = await start(status);
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    expect(await stream.result()).toEqual(change(status.toUpperCase(), null, 'SNAPSHOT'));
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await feed.advanceBy(600_000)).toEqual([]);
  });

  it('is complete when the job ends', async () => {
    await using feed = await start('running');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    feed.setStatus('succeeded', { finished_at: feed.seconds() });
    await feed.advanceBy(INTERVAL_MS);
    expect(await stream.result()).toEqual(change('RUNNING', null, 'SNAPSHOT'));
    expect(await stream.result()).toEqual(change('SUCCEEDED', 'RUNNING', 'POLL'));
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await feed.advanceBy(600_000)).toEqual([]);
  });

  it('continues through unknown statuses, with their raw spelling', async () => {
    await using feed = await start('dreaming');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    const next = async () => Object(await stream.result()).data.fineTuningJobStatusChanged;
    expect(await next()).toMatchObject({ status: 'UNKNOWN', rawStatus: 'dreaming', previousStatus: null });
    for (const [status, rawStatus, previousStatus, rawPreviousStatus] of [
      ['UNKNOWN', 'sleeping', 'UNKNOWN', 'dreaming'],
      ['RUNNING', 'running', 'UNKNOWN', 'sleeping'],
      ['UNKNOWN', 'dreaming', 'RUNNING', 'running'],
    ] as const) {
      feed.setStatus(rawStatus);
      await feed.advanceBy(INTERVAL_MS);
      expect(await next()).toEqual({ status, rawStatus, previousStatus, rawPreviousStatus, source: 'POLL' });
    }
  });

  it('sends nothing when a job changes but its status does not, in any spelling', async () => {
    await using feed = await start('cancelling');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    feed.setStatus('canceling', { trained_tokens: 1 });
    await feed.advanceBy(INTERVAL_MS);
    feed.setStatus('cancelled');
    await feed.advanceBy(INTERVAL_MS);
    expect(await stream.result()).toEqual(change('CANCELLING', null, 'SNAPSHOT'));
    expect(await stream.result()).toEqual(change('CANCELLED', 'CANCELLING', 'POLL'));
  });
});
