import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createGatewayClient } from '../../../src/terminal/gateway-client.ts';
import { RejectedError } from '../../../src/terminal/terminal-errors.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startFeed } from '../../kit/gateway/feed.ts';
import { startScript } from '../../kit/process/process.ts';

describe('a job with an event that cannot be read', () => {
  /** A job with this event between its steps. */
  async function startJob() {
    const feed = await startFeed({ POLL_INTERVAL_MS: '100' });
    const setLog = (status: string, ...data: unknown[]) => {
      feed.upstream.onJob(jobBody({ id: 'ftjob-1', status, fine_tuned_model: 'ft:done' }));
      feed.upstream.on('/fine_tuning/jobs/ftjob-1/events', { object: 'list', data, has_more: false });
    };
    setLog('running', stepBody(1, 9));
    /** Polls until the condition holds. */
    const pollUntil = async (isMet: () => boolean) => {
      while (!isMet()) await feed.advanceBy(0);
    };
    /** Polls until a promise is settled. */
    const poll = async <T>(result: Promise<T>): Promise<T> => {
      let isSettled = false;
      const settle = () => {
        isSettled = true;
      };
      result.then(settle, settle);
      await pollUntil(() => isSettled);
      return await result;
    };
    const logReads = () => feed.upstream.calls.filter(({ target }) => target.includes('/events')).length;
    return { ...feed, setLog, pollUntil, poll, logReads };
  }
  const unreadable = { id: 'x', created_at: 'never' };
  const final = eventBody('final', { message: 'The job has successfully completed' });

  it('is followed to its end by npm run watch, without a problem', async () => {
    await using feed = await startJob();
    await using client = startScript('src/terminal/run.ts', ['ftjob-1'], { GATEWAY_URL: feed.gateway.url });
    await feed.pollUntil(() => client.output.text.includes('step 1 of 9') && feed.logReads() > 1);
    feed.setLog('running', unreadable, stepBody(1, 9));
    await feed.advanceBy(2000);
    feed.setLog('succeeded', final, unreadable, stepBody(1, 9));
    await feed.advanceBy(120_000);
    expect(await client.ended).toBe(0);
    expect(client.output.text).not.toContain('invalid');
    expect(client.output.text).toMatch(/ succeeded: ft:done\n$/);
  });

  it('has steps that end normally; a refusal is an error', async () => {
    await using feed = await startJob();
    const options = { url: feed.gateway.url, token: undefined, clock: systemClock, onConnection: () => {} };
    const client = createGatewayClient(options);
    const { signal } = new AbortController();
    const steps = client.steps('ftjob-1', () => 0, signal)[Symbol.asyncIterator]();
    const next = async () => (await steps.next()).value?.step;
    expect(await feed.poll(next())).toBe(1);
    feed.setLog('running', unreadable, stepBody(1, 9));
    await feed.advanceBy(2000);
    feed.setLog('succeeded', final, unreadable, stepBody(1, 9));
    const end = next();
    await feed.advanceBy(120_000);
    expect(await end).toBeUndefined();
    const unknown = feed.poll(client.job('ftjob-2', signal)[Symbol.asyncIterator]().next());
    await expect(unknown).rejects.toThrow(RejectedError);
  });
});
