import { expect, it, onTestFinished } from 'vitest';
import { createDeliveries } from '../../../../src/sandbox/webhooks/delivery.ts';
import { newSecret, webhookBody } from '../../../kit/bodies/webhook.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { startReceiver } from '../../../kit/gateway/webhook-receiver.ts';
import { until } from '../../../kit/until.ts';

const HOUR = 3_600_000;
/** At this speed, the longest wait before a retry is shorter than the timeout of a response. */
const SPEED = 10_000;
const webhook = (id: string) => ({ id, body: webhookBody('ftjob-1') });

/** Opens deliveries to a receiver that responds with 500. */
async function open(maxPending?: number) {
  const receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  receiver.respondWith((response) => void response.writeHead(500).end());
  const clock = createTestClock();
  const to = { url: receiver.url, secret: newSecret() };
  const deliveries = createDeliveries({
    clock,
    speed: SPEED,
    receiver: to,
    ...(maxPending !== undefined && { maxPending }),
  });
  onTestFinished(() => deliveries.dispose());
  const ids = () => receiver.received.map(({ headers }) => headers['webhook-id']);
  return { receiver, clock, deliveries, ids };
}

it('a failed webhook is retried for 72 hours of sandbox time, then dropped', async () => {
  const { receiver, clock, deliveries } = await open();
  const startedAt = clock.now();
  const attemptedAt: number[] = [];
  deliveries.add(webhook('wh_1'));
  const dropped = until(() => clock.timers === 0);
  for (let attempts = 1; ; attempts++) {
    await receiver.reached(attempts);
    attemptedAt.push(clock.now() - startedAt);
    const next = await Promise.race([clock.timerBelow(5000), dropped]);
    if (next === undefined) break;
    clock.advance(next);
  }
  expect(attemptedAt.length).toBeGreaterThan(15);
  expect(attemptedAt.at(-1)).toBeLessThanOrEqual((72 * HOUR) / SPEED);
  expect(attemptedAt.at(-1)).toBeGreaterThan((60 * HOUR) / SPEED);
  expect(receiver.received).toHaveLength(attemptedAt.length);
});

it('the oldest of too many pending webhooks is dropped', async () => {
  const { receiver, clock, deliveries, ids } = await open(2);
  for (const id of ['wh_1', 'wh_2', 'wh_3']) deliveries.add(webhook(id));
  await receiver.reached(3);
  receiver.respondWith((response) => void response.end());
  for (const count of [4, 5]) {
    clock.advance(await clock.timerBelow(1));
    await receiver.reached(count);
  }
  await until(() => clock.timers === 0);
  expect(ids().toSorted()).toEqual(['wh_1', 'wh_2', 'wh_2', 'wh_3', 'wh_3']);
});
