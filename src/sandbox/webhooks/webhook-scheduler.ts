import type { Clock } from '../../clock.ts';
import type { State } from '../state/state.ts';
import { createDeliveries, type Receiver } from './delivery.ts';
import { createWebhook, webhookTime } from './webhook.ts';

export interface WebhookSchedulerOptions extends Receiver {
  state: State;
  clock: Clock;
  /** Divides the waits between attempts. */
  speed: number;
}

/** Sends a webhook for each job that ends from now on, until disposed. */
export function createWebhookScheduler(options: WebhookSchedulerOptions): { dispose(): Promise<void> } {
  const { state, clock, speed, ...receiver } = options;
  const deliveries = createDeliveries({ clock, speed, receiver });
  const endedJobs = (now: number) =>
    state.jobsAt(now).newestFirst.filter((plan) => (webhookTime(plan) ?? Number.POSITIVE_INFINITY) <= now);
  let reportedIds = new Set(endedJobs(clock.now()).map(({ id }) => id));
  let cancelTimer = () => {};

  // Between writes of clients, all ends of jobs are known, and no job is created before `validUntil`.
  function reportEnds(): void {
    const now = clock.now();
    const { newestFirst, validUntil } = state.jobsAt(now);
    const ended = endedJobs(now);
    for (const plan of ended) if (!reportedIds.has(plan.id)) deliveries.add(createWebhook(plan));
    reportedIds = new Set(ended.map(({ id }) => id));
    const ends = newestFirst.map((plan) => webhookTime(plan) ?? 0).filter((endsAt) => endsAt > now);
    cancelTimer();
    cancelTimer = clock.after(Math.min(validUntil, ...ends) - now, reportEnds);
  }

  reportEnds();
  const removeListener = state.writes.onChange(reportEnds);
  return {
    dispose() {
      removeListener();
      cancelTimer();
      return deliveries.dispose();
    },
  };
}
