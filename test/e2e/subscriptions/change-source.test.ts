import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { newSecret, webhookBody, webhookHeaders } from '../../kit/bodies/webhook.ts';
import { startFeed } from '../../kit/gateway/feed.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const STATUS = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status source observedAt } }`;
const ALL = 'subscription { anyFineTuningJobStatusChanged { job { id } status source } }';

async function start() {
  const secret = newSecret();
  const feed = await startFeed({ OPENAI_WEBHOOK_SECRET: secret, CACHE_ACTIVE_MS: '0' });
  const url = new URL('/webhooks/openai', feed.gateway.url);
  let sent = 0;
  return {
    ...feed,
    setStatus(status: string) {
      feed.upstream.onJob(jobBody({ id: JOB, status }));
      feed.upstream.onJobs([jobBody({ id: JOB, status })]);
    },
    async send(jobId = JOB) {
      const body = webhookBody(jobId);
      const headers = webhookHeaders(secret, `wh_${++sent}`, feed.seconds(), body);
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(204);
    },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

const single = (at: number) => [{ target: `/fine_tuning/jobs/${JOB}`, at }];

describe('the source of a change', () => {
  it('is SNAPSHOT for the first state, and POLL for a change found by a poll', async () => {
    await using feed = await start();
    feed.setStatus('queued');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    const change = (status: string, source: string) => ({
      data: { fineTuningJobStatusChanged: { status, source, observedAt: feed.seconds() } },
    });
    expect(await stream.result()).toEqual(change('QUEUED', 'SNAPSHOT'));
    feed.setStatus('running');
    expect(await feed.advanceBy(INTERVAL_MS)).toEqual(single(INTERVAL_MS));
    expect(await stream.result()).toEqual(change('RUNNING', 'POLL'));
  });

  it('is QUERY for a change found by a query, which saves a poll', async () => {
    await using feed = await start();
    feed.setStatus('queued');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(1000);
    feed.setStatus('running');
    expect(await feed.callsOf(`{ fineTuningJob(id: "${JOB}") { status } }`)).toHaveLength(1);
    expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { source: 'SNAPSHOT' } } });
    expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { source: 'QUERY' } } });
    feed.setStatus('paused');
    expect(await feed.callsOf('{ fineTuningJobs { edges { node { status } } } }')).toHaveLength(1);
    expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { source: 'QUERY' } } });
  });

  it('is WEBHOOK for a change found by the poll after a webhook, also for subscribers to all jobs', async () => {
    await using feed = await start();
    feed.setStatus('queued');
    await using stream = await feed.subscribe(STATUS);
    await using all = await feed.subscribe(ALL);
    await feed.advanceBy(1000);
    feed.setStatus('running');
    await feed.send();
    expect(await feed.advanceBy(0)).toEqual(single(0));
    for (const source of ['SNAPSHOT', 'WEBHOOK']) {
      expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { source } } });
      expect(await all.result()).toMatchObject({ data: { anyFineTuningJobStatusChanged: { source } } });
    }
  });
});

describe('a webhook', () => {
  it('causes no upstream call for a job without subscribers', async () => {
    await using feed = await start();
    feed.setStatus('queued');
    await feed.send();
    expect(await feed.advanceBy(60_000)).toEqual([]);
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(1000);
    await feed.send('ftjob-2');
    expect(await feed.advanceBy(999)).toEqual([]);
    expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { status: 'QUEUED' } } });
  });

  it('of 1,000 in a second causes at most one poll per 250 ms, and the last one is not lost', async () => {
    await using feed = await start();
    feed.setStatus('queued');
    await using stream = await feed.subscribe(STATUS);
    await feed.advanceBy(0);
    let calls = 0;
    for (let tenth = 0; tenth < 10; tenth++) {
      if (tenth === 9) feed.setStatus('running');
      for (let count = 0; count < 4; count++) await Promise.all(Array.from({ length: 25 }, () => feed.send()));
      calls += (await feed.advanceBy(100)).length;
    }
    calls += (await feed.advanceBy(1000)).length;
    expect(calls).toBeLessThan(7); // At most four polls per second.
    expect(calls).toBeGreaterThan(1);
    for (const [status, source] of [
      ['QUEUED', 'SNAPSHOT'],
      ['RUNNING', 'WEBHOOK'],
    ]) {
      expect(await stream.result()).toMatchObject({ data: { fineTuningJobStatusChanged: { status, source } } });
    }
  });
});
