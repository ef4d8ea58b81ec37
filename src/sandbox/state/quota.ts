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

/** Throws ApiError unless the quota allows one more job of this model. */
export function checkQuota(quota: JobQuota, jobs: readonly JobPlan[], model: string, now: number): void {
  const { concurrent = Number.POSITIVE_INFINITY, perDay = Number.POSITIVE_INFINITY } = quota;
  const ofModel = jobs.filter((plan) => plan.model === model);
  const active = ofModel.filter((plan) => !INACTIVE.includes(statusAt(plan, now))).length;
  // Only the second message was observed at OpenAI (docs/upstream.md: Errors).
  if (active >= concurrent)
    throw rateLimited(`${concurrent} active fine-tuning requests for the model '${model}'`, 'rate_limit_exceeded');
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
