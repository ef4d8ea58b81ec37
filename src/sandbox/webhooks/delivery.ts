import { Agent, request } from 'undici';
import type { Clock } from '../../clock.ts';
import { type JobWebhook, RETRY_WINDOW_MS, webhookHeaders, webhookRetryWait } from './webhook.ts';

/** The timeout of an attempt, not divided by the speed. */
const RESPONSE_TIMEOUT_MS = 5000;
/** About the number of jobs that end within the retry window. */
const MAX_PENDING = 1000;

/** The receiver of webhooks. */
export interface Receiver {
  readonly url: URL;
  /** The signing secret: `whsec_` and base64, or any other text. */
  readonly secret: string;
}

export interface DeliveryOptions {
  clock: Clock;
  /** Divides the waits between attempts. */
  speed: number;
  receiver: Receiver;
  /** Maximum pending webhooks. */
  maxPending?: number;
}

export interface Deliveries {
  add(webhook: JobWebhook): void;
  /** Drops the pending webhooks. */
  dispose(): Promise<void>;
}

/** Delivers webhooks at least once, in no order, with retries. When there are too many, drops the oldest one. */
export function createDeliveries(options: DeliveryOptions): Deliveries {
  const { clock, speed, receiver, maxPending = MAX_PENDING } = options;
  /** Each pending webhook with a function that cancels its retry. */
  const pending = new Map<JobWebhook, () => void>();
  const agent = new Agent({ pipelining: 0 }); // Closes each connection: deliveries are rare.

  async function attempt(webhook: JobWebhook, attempts: number, deadline: number): Promise<void> {
    const isAccepted = await send(webhook, receiver, agent, clock);
    if (!pending.has(webhook)) return; // Dropped or disposed meanwhile.
    const waitMs = webhookRetryWait(webhook, attempts) / speed;
    if (isAccepted || clock.now() + waitMs > deadline) return void pending.delete(webhook);
    const retry = () => void attempt(webhook, attempts + 1, deadline);
    pending.set(webhook, clock.after(waitMs, retry));
  }

  return {
    add(webhook: JobWebhook): void {
      const [oldest] = pending;
      if (oldest && pending.size >= maxPending) {
        const [dropped, cancelRetry] = oldest;
        cancelRetry();
        pending.delete(dropped);
      }
      pending.set(webhook, () => {});
      void attempt(webhook, 1, clock.now() + RETRY_WINDOW_MS / speed);
    },
    async dispose(): Promise<void> {
      for (const cancelRetry of pending.values()) cancelRetry();
      pending.clear();
      await agent.destroy();
    },
  };
}

/** Resolves to true when the receiver responds with 2xx before the timeout. Does not follow redirects. */
async function send(webhook: JobWebhook, { url, secret }: Receiver, dispatcher: Agent, clock: Clock): Promise<boolean> {
  const timeout = new AbortController();
  const cancelTimeout = clock.after(RESPONSE_TIMEOUT_MS, () => timeout.abort());
  try {
    const headers = webhookHeaders(webhook, secret, clock.now());
    const { signal } = timeout;
    const response = await request(url, { method: 'POST', headers, body: webhook.body, dispatcher, signal });
    response.body.on('error', () => {}).resume(); // Discards the body, which may be truncated.
    return response.statusCode >= 200 && response.statusCode < 300;
  } catch {
    return false; // Every error is retried.
  } finally {
    cancelTimeout();
  }
}
