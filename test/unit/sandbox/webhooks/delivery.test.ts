import { expect, it, onTestFinished } from 'vitest';
import { createDeliveries } from '../../../../src/sandbox/webhooks/delivery.ts';
import { newSecret, webhookBody } from '../../../kit/bodies/webhook.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { startReceiver } from '../../../kit/gateway/webhook-receiver.ts';
import { until } from '../../../kit/until.ts';

const HOUR = 3_600_000;
/** So fast that the longest wait for another try is shorter than that for an answer. */
const SPEED = 10_000;
const webhook = (id: string) => ({ id, body: webhookBody('ftjob-1') });

/** A sender to a receiver that refuses everything. */
async function open(maxPending?: number) {
  const receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  receiver.answer((response) => void response.writeHead(500).end());
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

it('a webhook that nobody takes is sent again for 72 hours of sandbox time, ever more seldom, and then given up', async () => {
  const { receiver, clock, deliveries } = await open();
  const beganAt = clock.now();
  const triedAt: number[] = [];
  deliveries.add(webhook('wh_1'));
  const givenUp = until(() => clock.timers === 0);
  for (let tries = 1; ; tries++) {
    await receiver.reached(tries);
    triedAt.push(clock.now() - beganAt);
    const next = await Promise.race([clock.timerBelow(5000), givenUp]);
    if (next === undefined) break;
    clock.advance(next);
  }
  expect(triedAt.length).toBeGreaterThan(15);
  expect(triedAt.at(-1)).toBeLessThanOrEqual((72 * HOUR) / SPEED);
  expect(triedAt.at(-1)).toBeGreaterThan((60 * HOUR) / SPEED);
  expect(receiver.received).toHaveLength(triedAt.length);
});

it('of too many webhooks at once the oldest are given up', async () => {
  const { receiver, clock, deliveries, ids } = await open(2);
  for (const id of ['wh_1', 'wh_2', 'wh_3']) deliveries.add(webhook(id));
  await receiver.reached(3);
  receiver.answer((response) => void response.end());
  for (const count of [4, 5]) {
    clock.advance(await clock.timerBelow(1));
    await receiver.reached(count);
  }
  await until(() => clock.timers === 0);
  expect(ids().toSorted()).toEqual(['wh_1', 'wh_2', 'wh_2', 'wh_3', 'wh_3']);
});
