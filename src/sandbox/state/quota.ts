import { ApiError } from '../api/api-error.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { type JobStatus, statusAt, TERMINAL_STATUSES } from '../simulation/lifecycle.ts';

/** Limits per model on the jobs that clients create. Generated jobs do not count. */
export interface JobQuota {
  /** Maximum jobs without a terminal status. */
  readonly concurrent?: number | undefined;
  /** Maximum jobs in the last 24 hours. */
  readonly perDay?: number | undefined;
}

const DAY_MS = 86_400_000;
const INACTIVE: readonly JobStatus[] = [...TERMINAL_STATUSES, 'cancelling'];
const PENDING: readonly JobStatus[] = ['validating_files', 'queued'];

/** Throws ApiError unless the quota allows one more job of this model. */
export function checkQuota(quota: JobQuota, jobs: readonly JobPlan[], model: string, now: number): void {
  const { concurrent = Number.POSITIVE_INFINITY, perDay = Number.POSITIVE_INFINITY } = quota;
  const ofModel = jobs.filter((plan) => plan.model === model);
  const active = ofModel.map((plan) => statusAt(plan, now)).filter((status) => !INACTIVE.includes(status));
  const pending = active.filter((status) => PENDING.includes(status)).length;
  // Both messages are those of OpenAI (docs/upstream.md: Errors).
  if (active.length >= concurrent) {
    const counts = `${active.length - pending} running, ${pending} pending`;
    throw rateLimited(`${concurrent} active requests (${counts}) for the model '${model}'`, 'rate_limit_exceeded');
  }
  if (ofModel.filter(({ createdAt }) => createdAt > now - DAY_MS).length >= perDay)
    throw rateLimited(`${perDay} fine-tuning requests per day for the model '${model}'`, 'daily_rate_limit_exceeded');
}

const rateLimited = (maximum: string, code: string) =>
  new ApiError(
    429,
    `This fine-tune request has been rate-limited. Your organization has reached the maximum of ${maximum}.`,
    null,
    code,
  );
