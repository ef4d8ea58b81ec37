import type { Clock } from '../clock.ts';
import { createDeliveries, type Receiver } from './delivery.ts';
import type { State } from './state.ts';
import { endOf, webhookOf } from './webhook.ts';

export interface WebhooksOptions extends Receiver {
  state: State;
  clock: Clock;
  /** How many times faster than in reality waits are. */
  speed: number;
}

/** Tells the receiver of every end of a job from now on, until it is disposed of. */
export function createWebhooks({ state, clock, speed, ...receiver }: WebhooksOptions): { dispose(): Promise<void> } {
  const deliveries = createDeliveries({ clock, speed, receiver });
  let toldUntil = clock.now();
  let cancelLook = () => {};

  // The life of a job is known from its creation, and no job comes before `until`.
  function look(): void {
    const now = clock.now();
    const { newestFirst, until } = state.jobsAt(now);
    let next = until;
    for (const plan of newestFirst) {
      const endsAt = endOf(plan) ?? Number.NEGATIVE_INFINITY;
      if (endsAt > now) next = Math.min(next, endsAt);
      else if (endsAt > toldUntil) deliveries.add(webhookOf(plan));
    }
    toldUntil = now;
    cancelLook = clock.after(next - now, look);
  }

  look();
  return {
    dispose() {
      cancelLook();
      return deliveries.dispose();
    },
  };
}
