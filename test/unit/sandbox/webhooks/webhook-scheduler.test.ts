import OpenAI from 'openai';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createState } from '../../../../src/sandbox/state/state.ts';
import { isSigned, newSecret } from '../../../kit/bodies/webhook.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { startReceiver } from '../../../kit/gateway/webhook-receiver.ts';
import { until } from '../../../kit/until.ts';
import { openSandbox } from '../open.ts';

const SPEED = 10;
const HOUR = 3_600_000;
const ENDS = ['succeeded', 'failed', 'cancelled'];

/** Opens a sandbox that sends webhooks to a receiver. `ends` are the coming ends of jobs, soonest first. */
async function open() {
  const receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const clock = createTestClock();
  const startedAt = clock.now();
  const sandbox = await openSandbox({ clock, speed: SPEED });
  const secret = newSecret();
  sandbox.sendWebhooks({ url: receiver.url, secret });
  const { newestFirst } = createState({ seed: 1, speed: SPEED, startedAt }).jobsAt(startedAt + HOUR / 4);
  const ends = newestFirst
    .flatMap(({ id, changes }) => changes.slice(-1).map(({ status, at }) => ({ id, status, at })))
    .filter(({ status, at }) => ENDS.includes(status) && at > startedAt && at <= startedAt + HOUR / 4)
    .sort((a, b) => a.at - b.at);
  const [first] = ends;
  if (first === undefined || ends.length < 5) throw new Error('expected at least 5 ends of jobs');
  return {
    ...sandbox,
    receiver,
    clock,
    secret,
    ends,
    advanceTo: (at: number) => clock.advance(at - clock.now()),
    /** Resolves when no webhook is pending: the only timer is the one for the next end. */
    settled: () => until(() => clock.timers === 1),
    /** Advances the clock to the first end, and waits for its webhook. */
    async untilFirst() {
      clock.advance(first.at - clock.now());
      await receiver.reached(1);
      return first;
    },
    /** Advances the clock to the next attempt, and waits for it. */
    async untilAttempt(count: number) {
      clock.advance(await clock.timerBelow(waitAfter(count - 1)));
      await receiver.reached(count);
    },
  };
}

/** More than the wait after this number of attempts, and less than any other timer. */
const waitAfter = (attempts: number) => (5000 * 2 ** (attempts - 1)) / SPEED + 1;

afterEach(() => void vi.useRealTimers());

describe('the webhooks of a sandbox', () => {
  it('are sent once per job, at its end, with the type of its status', async () => {
    const { receiver, advanceTo, settled, ends, jobs } = await open();
    for (const [index, { id, status, at }] of ends.entries()) {
      advanceTo(at - 1);
      expect(receiver.received).toHaveLength(index);
      advanceTo(at);
      await receiver.reached(index + 1);
      await settled();
      expect(receiver.received[index]?.event).toMatchObject({
        object: 'event',
        created_at: Math.floor(at / 1000),
        type: `fine_tuning.job.${status}`,
        data: { id },
      });
      expect((await jobs()).find((job) => job.id === id)?.status).toBe(status);
    }
    expect(new Set(ends.map(({ status }) => status)).size).toBeGreaterThan(1);
  });

  it('have the recorded headers and members', async () => {
    const { receiver, untilFirst, clock, secret } = await open();
    await untilFirst();
    const [webhook] = receiver.received;
    expect(webhook).toMatchObject({
      method: 'POST',
      path: '/hooks?from=sandbox',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)',
        'webhook-id': expect.stringMatching(/^wh_\w{24}$/),
        'webhook-timestamp': String(Math.floor(clock.now() / 1000)),
      },
      event: { id: expect.stringMatching(/^evt_\w{24}$/) },
    });
    expect(webhook && isSigned(webhook, secret)).toBe(true);
    expect(JSON.stringify(webhook?.event)).not.toBe(webhook?.body);
  });

  it('are verified by the official client, unless the body is serialized again', async () => {
    const { receiver, untilFirst, clock, secret } = await open();
    const { id, status } = await untilFirst();
    const [webhook] = receiver.received;
    if (webhook === undefined) throw new Error('expected a webhook');
    vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
    const { webhooks } = new OpenAI({ apiKey: 'any', webhookSecret: secret });
    const headers = new Headers(Object.entries(webhook.headers).map(([name, value]) => [name, String(value)]));
    await webhooks.verifySignature(webhook.body, headers);
    const event = await webhooks.unwrap(webhook.body, headers);
    expect(event).toMatchObject({ type: `fine_tuning.job.${status}`, data: { id } });
    await expect(webhooks.unwrap(JSON.stringify(webhook.event), headers)).rejects.toThrow(/signature/);
  });

  it.each([
    ['500', 500, {}],
    ['404', 404, {}],
    ['a redirect, which is not followed', 302, { location: '/elsewhere' }],
  ])('are retried after %s, with the same id and a new signature', async (_, status, headers) => {
    const { receiver, untilFirst, untilAttempt, secret } = await open();
    receiver.respondWith((response) => void response.writeHead(status, headers).end());
    await untilFirst();
    await untilAttempt(2);
    await untilAttempt(3);
    await untilAttempt(4);
    receiver.respondWith((response) => void response.writeHead(204).end());
    await untilAttempt(5);
    const attempts = receiver.received;
    expect(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
    expect(new Set(attempts.map(({ path }) => path))).toEqual(new Set(['/hooks?from=sandbox']));
    expect(new Set(attempts.map(({ headers }) => headers['webhook-timestamp'])).size).toBeGreaterThan(1);
    expect(attempts.every((webhook) => isSigned(webhook, secret))).toBe(true);
  });

  it('are retried when the connection closes', async () => {
    const { receiver, untilFirst, untilAttempt } = await open();
    receiver.respondWith((response) => void response.destroy());
    await untilFirst();
    await untilAttempt(2);
  });

  it('are retried after five seconds without a response', async () => {
    const { receiver, untilFirst, untilAttempt, clock } = await open();
    receiver.respondWith(() => {});
    await untilFirst();
    clock.advance(4999);
    expect(receiver.received).toHaveLength(1);
    clock.advance(1);
    await untilAttempt(2);
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  });

  it.each([200, 204, 299])('are not retried after %i', async (status) => {
    const { receiver, untilFirst, settled, ends, advanceTo } = await open();
    receiver.respondWith((response) => void response.writeHead(status).end());
    await untilFirst();
    await settled();
    advanceTo((ends[1]?.at ?? 0) - 1);
    expect(receiver.received).toHaveLength(1);
  });

  it('are dropped when the sandbox is disposed before a retry', async () => {
    const { receiver, untilFirst, clock, dispose } = await open();
    receiver.respondWith((response) => void response.writeHead(500).end());
    await untilFirst();
    await clock.timerBelow(waitAfter(1));
    await dispose();
    expect(clock.timers).toBe(0);
    clock.advance(HOUR);
    expect(receiver.received).toHaveLength(1);
  });

  it('are dropped when the sandbox is disposed during an attempt', async () => {
    const { receiver, untilFirst, clock, dispose } = await open();
    receiver.respondWith(() => {});
    await untilFirst();
    await dispose();
    expect(clock.timers).toBe(0);
  });

  it('need no timer without a receiver', async () => {
    const { clock } = await openSandbox();
    expect(clock.timers).toBe(0);
  });
});
