import { ApiError } from '../api/api-error.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { statusAt } from '../simulation/lifecycle.ts';

/** How many jobs clients may make, for each model; the seed's own do not count. */
export interface JobQuota {
  /** At once: those that have not come to their end. */
  readonly concurrent?: number | undefined;
  /** In any 24 hours. */
  readonly perDay?: number | undefined;
}

const DAY = 86_400_000;
const ENDS = ['succeeded', 'failed', 'cancelled', 'cancelling'];

/** Throws a Refusal unless one more job of this model may be made. */
export function checkQuota(quota: JobQuota, jobs: readonly JobPlan[], model: string, now: number): void {
  const { concurrent = Number.POSITIVE_INFINITY, perDay = Number.POSITIVE_INFINITY } = quota;
  const same = jobs.filter((plan) => plan.model === model);
  const active = same.filter((plan) => !ENDS.includes(statusAt(plan, now))).length;
  // Of the two only the second was recorded (docs/upstream.md: Errors).
  if (active >= concurrent)
    throw limited(`${concurrent} active fine-tuning requests for the model '${model}'`, 'rate_limit_exceeded');
  if (same.filter(({ createdAt }) => createdAt > now - DAY).length >= perDay)
    throw limited(`${perDay} fine-tuning requests per day for the model '${model}'`, 'daily_rate_limit_exceeded');
}

const limited = (maximum: string, code: string) =>
  new ApiError(
    429,
    `This fine-tune request has been rate-limited. Your organization has reached the maximum of ${maximum}.`,
    null,
    code,
  );
