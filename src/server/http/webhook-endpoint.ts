import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { SeenIds } from '../../state/seen-ids.ts';
import { type WebhookReceived, webhookReceived } from '../../telemetry/events.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  createVerify,
  type Delivery,
  readDelivery,
  readWebhook,
  TOLERANCE_SECONDS,
  type Verify,
  WebhookError,
} from '../../upstream/resources/webhook.ts';
import { guardContentEncoding } from './body-kind.ts';
import { HttpError } from './http-error.ts';
import type { Reply } from './reply.ts';
import { readBody } from './request-body.ts';

/** Maximum bytes of a webhook; a typical one has 200. */
const MAX_WEBHOOK_BYTES = 64 * 1024;
/** A replayed delivery is ignored until its timestamp is out of tolerance. */
const DELIVERY_TTL_MS = 2 * TOLERANCE_SECONDS * 1000;

const EXPECTED_BODY = 'expected a webhook of the upstream, which has about 200 bytes';

const ACCEPTED: Reply = { status: 204, headers: {} };

export interface WebhooksOptions {
  /** Returns the secret with which the upstream signs now. */
  secret: () => string;
  /** Called once per webhook about a job, which may have changed. Must return fast, because the sender waits. */
  onHint: (jobId: string) => void;
  /** The ids of earlier deliveries. */
  seen: SeenIds;
  log: Logger;
  clock: Clock;
}

/** Handles a request to `/webhooks/openai`. Rejects with an HttpError: 400 unless the upstream signed it, 405, 413, 415. */
export type Webhooks = (request: IncomingMessage, requestId: string) => Promise<Reply>;

/**
 * Receives the upstream's webhooks as hints only: the state of a job is always read from the upstream. Every verified
 * webhook gets 204 at once, for any type, because the sender retries any other status for days (docs/upstream.md: Webhooks).
 */
export function createWebhooks({ secret, onHint, seen, log, clock }: WebhooksOptions): Webhooks {
  const verify = createCurrentVerify(secret);
  const giveHint = (jobId: string, { id }: Delivery) => {
    try {
      onHint(jobId);
    } catch (error) {
      seen.forget(id); // The sender delivers it again.
      throw error;
    }
  };
  return async (request, requestId) => {
    if (request.method !== 'POST') {
      const message = `Method: ${request.method} is not supported at /webhooks/openai; expected POST.`;
      throw new HttpError(405, message, { allow: 'POST' });
    }
    guardContentEncoding(request.headers);
    try {
      const delivery = readDelivery(request.headers, clock.now()); // Before the body, so that a rejection is cheap.
      const body = await readBody(request, MAX_WEBHOOK_BYTES, EXPECTED_BODY);
      verify(delivery, body);
      const { type, jobId = null } = readWebhook(body) ?? {};
      const isRepeat = await seen.record(delivery.id, DELIVERY_TTL_MS);
      log.debug({ requestId, webhookId: delivery.id, type: type?.slice(0, 100), jobId, isRepeat }, 'webhook');
      report(isRepeat ? 'repeated' : 'accepted');
      if (isRepeat) return ACCEPTED;
      if (jobId !== null) giveHint(jobId, delivery);
      return ACCEPTED;
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      log.debug({ requestId, reason: error.message }, 'webhook rejected');
      report('rejected');
      throw new HttpError(400, error.message);
    }
  };
}

/** Verifies with the current secret. */
function createCurrentVerify(secret: () => string): Verify {
  let text = secret();
  let verify = createVerify(text);
  return (delivery, body) => {
    if (secret() !== text) {
      text = secret();
      verify = createVerify(text);
    }
    verify(delivery, body);
  };
}

function report(outcome: WebhookReceived['outcome']): void {
  if (webhookReceived.hasSubscribers) webhookReceived.publish({ outcome });
}
