import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  createVerify,
  readDelivery,
  readWebhook,
  TOLERANCE_SECONDS,
  WebhookError,
} from '../../upstream/resources/webhook.ts';
import { HttpError } from './http-error.ts';
import type { Reply } from './reply.ts';
import { readBody } from './request-body.ts';

/** Most bytes of a webhook. They have some 200. */
const MAX_WEBHOOK_BYTES = 64 * 1024;
/** Most deliveries that are remembered. */
const MAX_REMEMBERED = 10_000;

const TAKEN: Reply = { status: 204, headers: {} };

export interface WebhooksOptions {
  /** What the upstream signs with. */
  secret: string;
  /** Told once of each webhook about a job: it may have changed. Must not take long; a sender waits. */
  onHint: (jobId: string) => void;
  log: Logger;
  clock: Clock;
}

/** Answers a request at `/webhooks/openai`. Rejects with a Refusal when it does not come from the upstream. */
export type Webhooks = (request: IncomingMessage, requestId: string) => Promise<Reply>;

/**
 * Takes the upstream's webhooks for hints, no more: what a job is like, the job's own endpoint says. Whatever a verified
 * one is about is answered alike and at once, or it would be sent again for days.
 */
export function createWebhooks({ secret, onHint, log, clock }: WebhooksOptions): Webhooks {
  const verify = createVerify(secret);
  const memory = createMemory(clock);
  return async (request, requestId) => {
    if (request.method !== 'POST') throw new HttpError(405, 'The method: expected POST.', { allow: 'POST' });
    try {
      const delivery = readDelivery(request.headers, clock.now()); // Before the body: what is refused has to be cheap.
      const body = await readBody(request, MAX_WEBHOOK_BYTES);
      verify(delivery, body);
      const { type, jobId = null } = readWebhook(body) ?? {};
      const isRepeat = memory.has(delivery.id);
      log.debug({ requestId, webhookId: delivery.id, type: type?.slice(0, 100), jobId, isRepeat }, 'webhook');
      if (isRepeat) return TAKEN;
      if (jobId !== null) onHint(jobId);
      memory.add(delivery.id);
      return TAKEN;
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      log.debug({ requestId, fault: error.message }, 'webhook refused');
      throw new HttpError(400, error.message);
    }
  };
}

/** Which deliveries came in the time in which somebody who has seen one could send it again. */
function createMemory(clock: Clock) {
  const arrivals = new LRUCache<string, number>({ maxSize: MAX_REMEMBERED, sizeCalculation: () => 1 });
  return {
    has(id: string): boolean {
      const arrivedAt = arrivals.get(id);
      return arrivedAt !== undefined && clock.now() - arrivedAt <= 2 * TOLERANCE_SECONDS * 1000;
    },
    add: (id: string) => void arrivals.set(id, clock.now()),
  };
}
