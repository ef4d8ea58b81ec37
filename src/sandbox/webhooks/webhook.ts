import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { inSeconds, type JobPlan } from '../simulation/job-plan.ts';
import type { JobStatus } from '../simulation/lifecycle.ts';
import { createRandom } from '../simulation/random.ts';

/** The three ends that are told; of no other status is there a webhook (docs/upstream.md: Webhooks). */
const TYPES: Partial<Record<JobStatus, string>> = {
  succeeded: 'fine_tuning.job.succeeded',
  failed: 'fine_tuning.job.failed',
  cancelled: 'fine_tuning.job.cancelled',
};

/** When the job comes to an end that is told, ms since the epoch; null when it never does. */
export function endOf({ changes }: JobPlan): number | null {
  const last = changes.at(-1);
  return last && TYPES[last.status] !== undefined ? last.at : null;
}

/** What is told of the end of one job. */
export interface JobWebhook {
  /** `wh_…`: the same however often it is sent. */
  readonly id: string;
  readonly body: string;
}

export function webhookOf({ id, changes }: JobPlan): JobWebhook {
  const random = createRandom(id, 'webhook');
  const last = changes.at(-1);
  const event = {
    id: `evt_${random.text(24)}`,
    object: 'event',
    created_at: inSeconds(last?.at ?? 0),
    type: last && TYPES[last.status],
    data: { id },
  };
  // With spaces, as the real ones have: who verifies a body that was written anew will notice.
  return { id: `wh_${random.text(24)}`, body: JSON.stringify(event, null, 1).replace(/\n */g, ' ') };
}

/** The headers of a try to deliver it at `now`, in ms. */
export function headersOf({ id, body }: JobWebhook, secret: string, now: number): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)',
    'webhook-id': id,
    'webhook-timestamp': String(inSeconds(now)),
    'webhook-signature': new Webhook(keyOf(secret), { format: 'raw' }).sign(id, new Date(now), body),
  };
}

/** A new secret, as the dashboard shows one. */
export const makeSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

/** How long after the first try there is a last one, in ms of real life. */
export const GIVE_UP_MS = 72 * 3_600_000;
const MIN_WAIT_MS = 5000;
const MAX_WAIT_MS = 8 * 3_600_000;

/** How long to wait after so many tries that have failed, in ms of real life: twice as long each time, less some part. */
export function waitBeforeRetry({ id }: JobWebhook, tries: number): number {
  const longest = Math.min(MIN_WAIT_MS * 2 ** (tries - 1), MAX_WAIT_MS);
  return longest * createRandom(id, tries).between(0.5, 1);
}
