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

/** A sandbox that sends to a receiver, with the ends to come, soonest first. */
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
  if (first === undefined || ends.length < 5) throw new Error('expected some ends in so long a time');
  return {
    ...sandbox,
    receiver,
    clock,
    secret,
    ends,
    turnTo: (at: number) => clock.advance(at - clock.now()),
    /** Resolves when nothing is on its way, nor waits for another try: what is left is the timer for the next end. */
    settled: () => until(() => clock.timers === 1),
    /** Turns the clock to the first end, and waits until the webhook has come. */
    async untilFirst() {
      clock.advance(first.at - clock.now());
      await receiver.reached(1);
      return first;
    },
    /** Turns the clock to the next try, and waits until it has come. */
    async untilTry(count: number) {
      clock.advance(await clock.timerBelow(waitAfter(count - 1)));
      await receiver.reached(count);
    },
  };
}

/** More than the wait after so many tries, less than that for anything else. */
const waitAfter = (tries: number) => (5000 * 2 ** (tries - 1)) / SPEED + 1;

afterEach(() => void vi.useRealTimers());

describe('the webhooks of a sandbox', () => {
  it('tell of each job that ends, once, at its very end and as it has ended', async () => {
    const { receiver, turnTo, settled, ends, jobs } = await open();
    for (const [index, { id, status, at }] of ends.entries()) {
      turnTo(at - 1);
      expect(receiver.received).toHaveLength(index);
      turnTo(at);
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

  it('look as the real ones do', async () => {
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

  it('are believed by the official client, and only as they came', async () => {
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
    ['refused', 500, {}],
    ['not found', 404, {}],
    ['sent elsewhere, where they do not go', 302, { location: '/elsewhere' }],
  ])('are sent again when they are %s, under the same id but signed anew', async (_, status, headers) => {
    const { receiver, untilFirst, untilTry, secret } = await open();
    receiver.answer((response) => void response.writeHead(status, headers).end());
    await untilFirst();
    await untilTry(2);
    await untilTry(3);
    await untilTry(4);
    receiver.answer((response) => void response.writeHead(204).end());
    await untilTry(5);
    const tries = receiver.received;
    expect(new Set(tries.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    expect(new Set(tries.map(({ path }) => path))).toEqual(new Set(['/hooks?from=sandbox']));
    expect(new Set(tries.map(({ headers }) => headers['webhook-timestamp'])).size).toBeGreaterThan(1);
    expect(tries.every((webhook) => isSigned(webhook, secret))).toBe(true);
  });

  it('are sent again when the connection breaks', async () => {
    const { receiver, untilFirst, untilTry } = await open();
    receiver.answer((response) => void response.destroy());
    await untilFirst();
    await untilTry(2);
  });

  it('are sent again when there is no answer for five seconds', async () => {
    const { receiver, untilFirst, untilTry, clock } = await open();
    receiver.answer(() => {});
    await untilFirst();
    clock.advance(4999);
    expect(receiver.received).toHaveLength(1);
    clock.advance(1);
    await untilTry(2);
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  });

  it.each([200, 204, 299])('that are answered with %i are not sent again', async (status) => {
    const { receiver, untilFirst, settled, ends, turnTo } = await open();
    receiver.answer((response) => void response.writeHead(status).end());
    await untilFirst();
    await settled();
    turnTo((ends[1]?.at ?? 0) - 1);
    expect(receiver.received).toHaveLength(1);
  });

  it('end with the sandbox, those that wait for their next try too', async () => {
    const { receiver, untilFirst, clock, dispose } = await open();
    receiver.answer((response) => void response.writeHead(500).end());
    await untilFirst();
    await clock.timerBelow(waitAfter(1));
    await dispose();
    expect(clock.timers).toBe(0);
    clock.advance(HOUR);
    expect(receiver.received).toHaveLength(1);
  });

  it('end with the sandbox in the middle of a try', async () => {
    const { receiver, untilFirst, clock, dispose } = await open();
    receiver.answer(() => {});
    await untilFirst();
    await dispose();
    expect(clock.timers).toBe(0);
  });

  it('need no timer while nobody is to be told', async () => {
    const { clock } = await openSandbox();
    expect(clock.timers).toBe(0);
  });
});
