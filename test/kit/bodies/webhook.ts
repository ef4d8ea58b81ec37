import { createHmac, randomBytes } from 'node:crypto';
import type { Received } from '../gateway/webhook-receiver.ts';

/** Returns the key of a secret: decoded base64, or the bytes of the text. Independent of the code under test. */
const keyOf = (secret: string) =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** A webhook as OpenAI writes it, including its spaces. */
export const webhookBody = (jobId: string, type = 'fine_tuning.job.succeeded') =>
  `{"id": "evt_1", "object": "event", "created_at": 1760000000, "type": "${type}", "data": {"id": "${jobId}"}}`;

export const signatureOf = (secret: string, id: string, timestamp: number | string, body: string) =>
  `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`;

/** Returns the headers of `body`, signed at `timestamp` in seconds. */
export function webhookHeaders(secret: string, id: string, timestamp: number | string, body: string) {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureOf(secret, id, timestamp, body),
  };
}

/** Returns whether the received bytes were signed with the secret. */
export function isSigned({ headers, body }: Pick<Received, 'headers' | 'body'>, secret: string): boolean {
  const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  return headers['webhook-signature'] === signatureOf(secret, id, timestamp, body);
}
