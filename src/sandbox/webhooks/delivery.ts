import { Agent, request } from 'undici';
import type { Clock } from '../../clock.ts';
import { GIVE_UP_MS, headersOf, type JobWebhook, waitBeforeRetry } from './webhook.ts';

/** How long the receiver may take to answer, in milliseconds of its own time. */
const ANSWER_MS = 5000;
/** Most webhooks that are on their way: about as many as jobs end before the first of them is given up. */
const MAX_PENDING = 1000;

/** Where webhooks go, and what they are signed with. */
export interface Receiver {
  readonly url: URL;
  /** `whsec_` and base64, or else any text. */
  readonly secret: string;
}

export interface DeliveryOptions {
  clock: Clock;
  /** How many times faster than in reality waits are. */
  speed: number;
  receiver: Receiver;
  /** Most webhooks that are on their way. */
  most?: number;
}

export interface Deliveries {
  add(webhook: JobWebhook): void;
  /** Gives up what is on its way. */
  dispose(): Promise<void>;
}

/** Sends each webhook until it is taken: at least once, in no order. The oldest makes room when there are too many. */
export function createDeliveries({ clock, speed, receiver, most = MAX_PENDING }: DeliveryOptions): Deliveries {
  const pending = new Map<JobWebhook, () => void>();
  const agent = new Agent();

  async function attempt(webhook: JobWebhook, tries: number, giveUpAt: number): Promise<void> {
    const isTaken = await send(webhook, receiver, agent, clock);
    if (!pending.has(webhook)) return; // It had to make room, or all is over.
    const waitMs = waitBeforeRetry(webhook, tries) / speed;
    if (isTaken || clock.now() + waitMs > giveUpAt) return void pending.delete(webhook);
    const again = () => void attempt(webhook, tries + 1, giveUpAt);
    pending.set(webhook, clock.after(waitMs, again));
  }

  return {
    add(webhook: JobWebhook): void {
      const [oldest] = pending;
      if (oldest && pending.size >= most) {
        const [given, cancel] = oldest;
        cancel();
        pending.delete(given);
      }
      pending.set(webhook, () => {});
      void attempt(webhook, 1, clock.now() + GIVE_UP_MS / speed);
    },
    async dispose(): Promise<void> {
      for (const cancel of pending.values()) cancel();
      pending.clear();
      await agent.destroy();
    },
  };
}

/** Whether the receiver takes it: with 2xx, and in time. A redirect is not followed. */
async function send(webhook: JobWebhook, { url, secret }: Receiver, dispatcher: Agent, clock: Clock): Promise<boolean> {
  const late = new AbortController();
  const cancel = clock.after(ANSWER_MS, () => late.abort());
  try {
    const headers = headersOf(webhook, secret, clock.now());
    const { signal } = late;
    const answer = await request(url, { method: 'POST', headers, body: webhook.body, dispatcher, signal });
    answer.body.on('error', () => {}).resume(); // Nobody reads on, and it may be cut off.
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false; // Whatever it was, it is tried again.
  } finally {
    cancel();
  }
}
