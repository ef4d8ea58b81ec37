import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { createGrowingLog } from '../../kit/store/growing-log.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const FIELDS = 'trainingFile { filename } metrics { points { trainLoss } }';
const STATUS = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status job { ${FIELDS} } } }`;

async function start(settings: Record<string, string> = {}) {
  const feed = await startFeed({ ...NO_CACHE, ...settings });
  const log = createGrowingLog(feed.upstream, JOB);
  let step = 0;
  const losses: unknown[] = [];
  return {
    ...feed,
    losses,
    /** Adds two steps to the job, sets its status, and may rename its training file. */
    advance(status: string, filename?: string) {
      log.grow(2, () => {
        step++;
        losses.push({ trainLoss: step / 100 });
        return stepBody(step, 100, { train_loss: step / 100 });
      });
      if (filename !== undefined) feed.upstream.onFile(fileBody('file-training', { filename }));
      feed.upstream.onJob(jobBody({ id: JOB, status }));
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

describe('the other fields of a status change', () => {
  it('are read once for all subscribers that select them, at the time of the change', async () => {
    await using feed = await start();
    feed.advance('queued', 'first.jsonl');
    const ofOneQuery = (await feed.callsOf(`{ fineTuningJob(id: "${JOB}") { status ${FIELDS} } }`)).toSorted();
    expect(ofOneQuery).toHaveLength(3);
    using subscribers = await feed.subscribeAll(Array(50).fill(STATUS));
    for (const [turnMs, status, filename] of [
      [0, 'running', 'first.jsonl'],
      [INTERVAL_MS, 'paused', 'second.jsonl'],
      [INTERVAL_MS, 'running', 'third.jsonl'],
    ] as const) {
      feed.advance(status, filename);
      expect((await feed.advanceBy(turnMs)).map(({ target }) => target).toSorted()).toEqual(ofOneQuery);
      const job = { trainingFile: { filename }, metrics: { points: feed.losses } };
      const change = { status: status.toUpperCase(), job };
      expect(await subscribers.results()).toEqual(Array(50).fill({ data: { fineTuningJobStatusChanged: change } }));
    }
  });

  it('are up to date in an event stream too', async () => {
    await using feed = await start();
    feed.advance('running', 'first.jsonl');
    const query = `subscription { fineTuningJobEventAdded(jobId: "${JOB}") { event { id } job { ${FIELDS} } } }`;
    await using stream = await feed.subscribe(query);
    await feed.advanceBy(0);
    for (const filename of ['second.jsonl', 'third.jsonl']) {
      feed.advance('running', filename);
      await feed.advanceBy(INTERVAL_MS);
      for (const step of [feed.losses.length - 1, feed.losses.length]) {
        const added = {
          event: { id: `ftevent-step-${step}` },
          job: { trainingFile: { filename }, metrics: { points: feed.losses } },
        };
        expect(await stream.result()).toEqual({ data: { fineTuningJobEventAdded: added } });
      }
    }
  });

  it('are not shared between callers with different upstream keys', async () => {
    await using feed = await start({ AUTH: 'passthrough' });
    const nameOf = ({ authorization }: { authorization?: string | undefined }) => authorization?.slice(7, 10);
    feed.upstream.on('/files/file-training', ({ headers }: IncomingMessage, response: ServerResponse) => {
      writeResponse(response, 200, fileBody('file-training', { filename: `of ${nameOf(headers)}` }));
    });
    const names = ['ann', 'bob'];
    const streams = [];
    for (const name of [...names, ...names]) {
      const authorization = `Bearer ${name}-${'k'.repeat(30)}`;
      streams.push(await feed.subscribe(STATUS, {}, { authorization }));
    }
    for (const [turnMs, status] of [
      [0, 'running'],
      [INTERVAL_MS, 'paused'],
    ] as const) {
      feed.advance(status);
      const before = feed.upstream.calls.length;
      expect(await feed.advanceBy(turnMs)).toHaveLength(6);
      const callers = feed.upstream.calls.slice(before).map(nameOf);
      expect(callers.toSorted()).toEqual([...Array(3).fill('ann'), ...Array(3).fill('bob')]);
      for (const [index, stream] of streams.entries()) {
        const job = { trainingFile: { filename: `of ${names[index % 2]}` }, metrics: { points: feed.losses } };
        const change = { status: status.toUpperCase(), job };
        expect(await stream.result()).toEqual({ data: { fineTuningJobStatusChanged: change } });
      }
    }
    for (const stream of streams) stream.close();
  });
});

describe('a subscriber without the role of a field', () => {
  it('gets an error for the field and the other fields, with one poll for subscribers of both roles', async () => {
    const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator' });
    await using feed = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    feed.advance('running', 'first.jsonl');
    const query = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status job { id raw } } }`;
    await using viewer = await feed.subscribe(query, {}, { authorization: `Bearer ${tokens.vera}` });
    await using operator = await feed.subscribe(query, {}, { authorization: `Bearer ${tokens.otto}` });
    for (const [turnMs, status] of [
      [0, 'running'],
      [INTERVAL_MS, 'paused'],
    ] as const) {
      feed.advance(status);
      expect(await feed.advanceBy(turnMs)).toHaveLength(1);
      const change = (raw: unknown) => ({
        fineTuningJobStatusChanged: { status: status.toUpperCase(), job: { id: JOB, raw } },
      });
      expect(await operator.result()).toEqual({ data: change(jobBody({ id: JOB, status })) });
      expect(await viewer.result()).toEqual({
        data: change(null),
        errors: [
          expect.objectContaining({
            message: 'FineTuningJob.raw needs the role operator; the caller has the role viewer.',
            path: ['fineTuningJobStatusChanged', 'job', 'raw'],
            extensions: { code: 'FORBIDDEN' },
          }),
        ],
      });
    }
  });
});

describe('a subscription that exceeds a query limit', () => {
  it.each([
    ['cost', { MAX_QUERY_COST: '3' }, STATUS.replace('trainingFile', 'events { edges { node { id } } } trainingFile')],
    ['depth', { MAX_QUERY_DEPTH: '4' }, STATUS],
  ])('is rejected because of its %s, like a query, and starts no poll', async (limit, settings, query) => {
    await using feed = await start(settings);
    feed.advance('running', 'first.jsonl');
    await using stream = await feed.subscribe(query);
    expect(await stream.result()).toMatchObject({
      errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX', limit } }],
    });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await feed.advanceBy(60_000)).toEqual([]);
    const smaller = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
    await using other = await feed.subscribe(smaller);
    await feed.advanceBy(0);
    expect(await other.result()).toEqual({ data: { fineTuningJobStatusChanged: { status: 'RUNNING' } } });
  });
});
