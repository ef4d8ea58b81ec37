import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { isValidName } from '../http/path.ts';

// What OpenAI sends when a job has come to its end (docs/upstream.md: Webhooks), signed by https://www.standardwebhooks.com.

/** How far the sender's clock may be from ours, both ways and inclusive, in seconds. */
export const TOLERANCE_SECONDS = 300;

/** Thrown for what is not to be believed; the message says what was expected, to the sender. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

const EXPECTED_ID = 'webhook-id: expected 1 to 256 visible ASCII characters.';
// Whoever signs a time signs its text: a zero in front would be another text of the same time.
const EXPECTED_TIMESTAMP = 'webhook-timestamp: expected whole seconds since the epoch, in digits.';
const EXPECTED_SIGNATURE = 'webhook-signature: expected v1 and base64, such as v1,….';

const headerFields = z.object({
  'webhook-id': z.string(EXPECTED_ID).regex(/^[\x21-\x7e]{1,256}$/, EXPECTED_ID),
  'webhook-timestamp': z.string(EXPECTED_TIMESTAMP).regex(/^[1-9]\d{0,11}$/, EXPECTED_TIMESTAMP),
  'webhook-signature': z.string(EXPECTED_SIGNATURE).min(1, EXPECTED_SIGNATURE),
});

/** What the headers say of a delivery. */
export interface Delivery {
  /** The same in every try to deliver one webhook. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  /** As they came, separated by spaces: some while there are several while secrets are changed. */
  readonly signatures: string;
}

/** Reads the headers of a delivery that arrives at `now`, in milliseconds. Throws a WebhookError. */
export function readDelivery(headers: Readonly<Record<string, unknown>>, now: number): Delivery {
  const { data, error } = headerFields.safeParse(headers);
  if (error) throw new WebhookError(error.issues[0]?.message);
  const timestamp = Number(data['webhook-timestamp']);
  if (Math.abs(Math.floor(now / 1000) - timestamp) > TOLERANCE_SECONDS) {
    throw new WebhookError(`webhook-timestamp: expected at most ${TOLERANCE_SECONDS} seconds from now.`);
  }
  return { id: data['webhook-id'], timestamp, signatures: data['webhook-signature'] };
}

/** Throws a WebhookError unless a delivery of this very body, as it came, was signed with the secret. */
export type Verify = (delivery: Delivery, body: Buffer) => void;

/** `secret` is `whsec_` and base64, or else any text. */
export function createVerify(secret: string): Verify {
  const signer = new Webhook(keyOf(secret), { format: 'raw' });
  return ({ id, timestamp, signatures }, body) => {
    const [, base64 = ''] = signer.sign(id, new Date(timestamp * 1000), body).split(',');
    const expected = Buffer.from(base64, 'base64');
    let isSigned = false;
    for (const entry of signatures.split(' ')) {
      const signature = signatureIn(entry);
      if (signature && timingSafeEqual(signature, expected)) isSigned = true; // And on, as it takes the same time then.
    }
    if (!isSigned) throw new WebhookError('webhook-signature: expected one of this id, time and body.');
  };
}

/** Whether a text can be a secret: it has a key in it, and is long enough to be kept from the log. */
export const isWebhookSecret = (text: string) => (text.startsWith('whsec_') ? WITH_KEY.test(text) : text.length >= 8);

const WITH_KEY = /^whsec_[A-Za-z0-9+/]{8,}={0,2}$/;

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

/** The 32 bytes of an entry in the list, with its version or bare; undefined for one of another kind. */
function signatureIn(entry: string): Buffer | undefined {
  const base64 = /^(?:v1,)?([A-Za-z0-9+/]{43}=)$/.exec(entry)?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

const fields = z.object({ type: z.string(), data: z.object({ id: z.string() }) });

/** What a webhook is about; the job is null when it is about something else. */
export interface WebhookSubject {
  readonly type: string;
  readonly jobId: string | null;
}

/** Reads a body that was verified; null when there is nothing in it to be read: it is no webhook of OpenAI's form. */
export function readWebhook(body: Buffer): WebhookSubject | null {
  const { data: event } = fields.safeParse(parsed(body.toString()));
  if (event === undefined) return null;
  const isAboutJob = event.type.startsWith('fine_tuning.job.') && isValidName(event.data.id);
  return { type: event.type, jobId: isAboutJob ? event.data.id : null };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
