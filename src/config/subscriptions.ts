import type { z } from 'zod';
import type { SubscriptionConfig } from '../server/server.ts';
import { int } from './env.ts';

// How subscriptions are kept up and ended: the part of the configuration that says so.

/** The variables that decide it. */
export const subscriptionSettings = {
  HEARTBEAT_MS: int(100, 600_000)
    .default(12_000)
    .describe('how often a quiet stream of a subscription says that it is alive, and looks whether it still may be'),
  MAX_SUBSCRIPTIONS: int(1, 1_000_000).default(20_000).describe('most subscriptions at a time'),
  MAX_SUBSCRIPTIONS_PER_CALLER: int(1, 1_000_000).default(200).describe('most subscriptions of one caller at a time'),
  DRAIN_DELAY_MS: int(0, 600_000)
    .default(0)
    .describe('how long a stopping gateway still takes traffic while /ready says 503; 5000 suits Kubernetes'),
};

type Settings = z.output<z.ZodObject<typeof subscriptionSettings>>;

export function subscriptionsOf(values: Settings): SubscriptionConfig {
  return {
    heartbeatMs: values.HEARTBEAT_MS,
    maxSubscriptions: values.MAX_SUBSCRIPTIONS,
    maxSubscriptionsPerCaller: values.MAX_SUBSCRIPTIONS_PER_CALLER,
    drainDelayMs: values.DRAIN_DELAY_MS,
  };
}
