import type { Clock } from '../../clock.ts';
import type { State } from '../state/state.ts';
import { createDeliveries, type Receiver } from './delivery.ts';
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
  const endedAt = (now: number) =>
    state.jobsAt(now).newestFirst.filter((plan) => (endOf(plan) ?? Number.POSITIVE_INFINITY) <= now);
  let told = new Set(endedAt(clock.now()).map(({ id }) => id));
  let cancelLook = () => {};

  // Until somebody writes, the life of a job is known from its creation, and no job comes before `until`.
  function look(): void {
    const now = clock.now();
    const { newestFirst, until } = state.jobsAt(now);
    const ended = endedAt(now);
    for (const plan of ended) if (!told.has(plan.id)) deliveries.add(webhookOf(plan));
    told = new Set(ended.map(({ id }) => id));
    const ends = newestFirst.map((plan) => endOf(plan) ?? 0).filter((endsAt) => endsAt > now);
    cancelLook();
    cancelLook = clock.after(Math.min(until, ...ends) - now, look);
  }

  look();
  const stopListening = state.writes.onChange(look);
  return {
    dispose() {
      stopListening();
      cancelLook();
      return deliveries.dispose();
    },
  };
}
