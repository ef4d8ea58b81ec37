import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { isValidName } from '../http/path.ts';
import { isTextWithinDepth, MAX_DEPTH } from '../json/depth.ts';
import { parseJson } from '../json/parse.ts';

// The webhooks that OpenAI sends when a job ends (docs/upstream.md: Webhooks), signed as in https://www.standardwebhooks.com.

/** Maximum difference between the clocks of sender and receiver, in seconds. Inclusive, in both directions. */
export const TOLERANCE_SECONDS = 300;

/** Thrown for a webhook that is not authentic. The message is sent to its sender. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

const INVALID_ID = 'webhook-id: is missing or invalid; expected 1 to 256 visible ASCII characters, such as wh_abc123.';
// The signature covers the text of the timestamp, so a leading zero is refused: it is another text for the same time.
const INVALID_TIMESTAMP =
  'webhook-timestamp: is missing or invalid; expected whole seconds since the epoch, such as 1760000000.';
const INVALID_SIGNATURE = 'webhook-signature: is missing; expected v1 and base64, such as v1,dGVzdA==.';

const headerFields = z.object({
  'webhook-id': z.string(INVALID_ID).regex(/^[\x21-\x7e]{1,256}$/, INVALID_ID),
  'webhook-timestamp': z.string(INVALID_TIMESTAMP).regex(/^[1-9]\d{0,11}$/, INVALID_TIMESTAMP),
  'webhook-signature': z.string(INVALID_SIGNATURE).min(1, INVALID_SIGNATURE),
});

/** The headers of a delivery. */
export interface Delivery {
  /** The same in all deliveries of one webhook. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  /** Separated by spaces: there are several while a secret is rotated. */
  readonly signatures: string;
}

/** Parses the headers of a delivery received at `now`, in milliseconds. Throws WebhookError. */
export function readDelivery(headers: Readonly<Record<string, unknown>>, now: number): Delivery {
  const { data, error } = headerFields.safeParse(headers);
  if (error) throw new WebhookError(error.issues[0]?.message);
  const timestamp = Number(data['webhook-timestamp']);
  if (Math.abs(Math.floor(now / 1000) - timestamp) > TOLERANCE_SECONDS) {
    throw new WebhookError(
      `webhook-timestamp: is too old or in the future; expected at most ${TOLERANCE_SECONDS} seconds from now.`,
    );
  }
  return { id: data['webhook-id'], timestamp, signatures: data['webhook-signature'] };
}

/** Throws WebhookError unless the delivery with exactly this body was signed with the secret. */
export type Verify = (delivery: Delivery, body: Buffer) => void;

/** Creates a verifier. `secret` is `whsec_` and base64, or any other text. */
export function createVerify(secret: string): Verify {
  const signer = new Webhook(keyOf(secret), { format: 'raw' });
  return ({ id, timestamp, signatures }, body) => {
    const [, base64 = ''] = signer.sign(id, new Date(timestamp * 1000), body).split(',');
    const expected = Buffer.from(base64, 'base64');
    let isSigned = false;
    for (const entry of signatures.split(' ')) {
      const signature = signatureIn(entry);
      // No early exit: the time must not depend on the signatures.
      if (signature && timingSafeEqual(signature, expected)) isSigned = true;
    }
    if (!isSigned)
      throw new WebhookError('webhook-signature: does not match; expected a signature of this id, timestamp and body.');
  };
}

/**
 * Returns what is wrong with a webhook secret, and what was expected; null for a valid one. A secret is long enough to be
 * redacted in the log. Some dashboards show it behind the version of its signatures.
 */
export function webhookSecretProblem(secret: string): string | null {
  const prefix = /whsec_/i.exec(secret);
  if (prefix !== null && !secret.startsWith('whsec_')) {
    return prefix.index > 0
      ? 'has other text before whsec_; expected the secret alone, such as whsec_YWJjMTIzYWJjMTIz.'
      : 'has a prefix in another case; expected whsec_ and base64, such as whsec_YWJjMTIzYWJjMTIz.';
  }
  const isValid = prefix === null ? secret.length >= 8 : PREFIXED_KEY.test(secret);
  return isValid ? null : 'expected whsec_ and base64, or another text of at least 8 characters';
}

const PREFIXED_KEY = /^whsec_[A-Za-z0-9+/]{8,}={0,2}$/;

const fields = z.object({ type: z.string(), data: z.object({ id: z.string() }) });

/** The type of a webhook and its job; the job id is null when the webhook is not about a job. */
export interface WebhookSubject {
  readonly type: string;
  readonly jobId: string | null;
}

/** Parses a verified body. Returns null when it is not a webhook of OpenAI's form. */
export function readWebhook(body: Buffer): WebhookSubject | null {
  if (!isTextWithinDepth(body, MAX_DEPTH)) return null;
  const { data: event } = fields.safeParse(parseJson(body.toString()));
  if (event === undefined) return null;
  const isAboutJob = event.type.startsWith('fine_tuning.job.') && isValidName(event.data.id);
  return { type: event.type, jobId: isAboutJob ? event.data.id : null };
}

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

/** Returns the 32 bytes of a signature with or without its version; undefined for any other entry. */
function signatureIn(entry: string): Buffer | undefined {
  const base64 = /^(?:v1,)?([A-Za-z0-9+/]{43}=)$/.exec(entry)?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
