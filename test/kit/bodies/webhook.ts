import { createHmac, randomBytes } from 'node:crypto';
import type { Received } from '../gateway/webhook-receiver.ts';

/** The key of a secret: its base64, or else its own bytes. Written apart from what it tests. */
const keyOf = (secret: string) =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** A body as OpenAI writes it, with its spaces. */
export const webhookBody = (jobId: string, type = 'fine_tuning.job.succeeded') =>
  `{"id": "evt_1", "object": "event", "created_at": 1760000000, "type": "${type}", "data": {"id": "${jobId}"}}`;

export const signatureOf = (secret: string, id: string, timestamp: number | string, body: string) =>
  `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`;

/** The headers with which `body` was signed at `timestamp`, in seconds. */
export function webhookHeaders(secret: string, id: string, timestamp: number | string, body: string) {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureOf(secret, id, timestamp, body),
  };
}

/** Whether what came was signed with the secret, as it came. */
export function isSigned({ headers, body }: Pick<Received, 'headers' | 'body'>, secret: string): boolean {
  const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  return headers['webhook-signature'] === signatureOf(secret, id, timestamp, body);
}
