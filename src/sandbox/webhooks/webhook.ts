import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { inSeconds } from '../artifacts/job.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import type { JobStatus } from '../simulation/lifecycle.ts';
import { createRandom } from '../simulation/random.ts';

/** The statuses that have a webhook (docs/upstream.md: Webhooks). */
const TYPES: Partial<Record<JobStatus, string>> = {
  succeeded: 'fine_tuning.job.succeeded',
  failed: 'fine_tuning.job.failed',
  cancelled: 'fine_tuning.job.cancelled',
};

/** When the job gets a status that has a webhook, in milliseconds since the epoch; null when it never does. */
export function webhookTime({ changes }: JobPlan): number | null {
  const last = changes.at(-1);
  return last && TYPES[last.status] !== undefined ? last.at : null;
}

export interface JobWebhook {
  /** `wh_…`: the same for all attempts. */
  readonly id: string;
  readonly body: string;
}

/** Creates the webhook for the end of a job. */
export function createWebhook({ id, changes }: JobPlan): JobWebhook {
  const random = createRandom(id, 'webhook');
  const last = changes.at(-1);
  const event = {
    id: `evt_${random.text(24)}`,
    object: 'event',
    created_at: inSeconds(last?.at ?? 0),
    type: last && TYPES[last.status],
    data: { id },
  };
  // With spaces, as real ones: the signature does not match a body that the receiver has serialized again.
  return { id: `wh_${random.text(24)}`, body: JSON.stringify(event, null, 1).replace(/\n */g, ' ') };
}

/** The headers of an attempt at `now`, in milliseconds since the epoch. */
export function webhookHeaders({ id, body }: JobWebhook, secret: string, now: number): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)',
    'webhook-id': id,
    'webhook-timestamp': String(inSeconds(now)),
    'webhook-signature': new Webhook(keyOf(secret), { format: 'raw' }).sign(id, new Date(now), body),
  };
}

/** Returns a new secret, in the format of OpenAI's dashboard. */
export const generateSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

/** Milliseconds at speed 1 from the first attempt to the last one. */
export const RETRY_WINDOW_MS = 72 * 3_600_000;
const MIN_WAIT_MS = 5000;
const MAX_WAIT_MS = 8 * 3_600_000;

/** Milliseconds at speed 1 to wait after this number of failed attempts: exponential backoff with jitter. */
export function webhookRetryWait({ id }: JobWebhook, attempts: number): number {
  const maxWaitMs = Math.min(MIN_WAIT_MS * 2 ** (attempts - 1), MAX_WAIT_MS);
  return maxWaitMs * createRandom(id, attempts).between(0.5, 1);
}
