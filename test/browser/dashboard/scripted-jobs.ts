import { onTestFinished } from 'vitest';
import { stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { type DashboardGateway, startDashboardGateway } from './gateway.ts';

/** A dashboard whose upstream a test scripts. */
export interface ScriptedJobs extends DashboardGateway {
  readonly upstream: ScriptedUpstream;
}

export async function startScriptedJobs(
  jobs: readonly ReturnType<typeof jobBody>[],
  settings: Record<string, string> = {},
): Promise<ScriptedJobs> {
  const upstream = await startUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  upstream.onJobs(jobs);
  for (const job of jobs) {
    upstream.onJob(job);
    upstream.onEvents(job.id, [stepBody(2, 8), stepBody(1, 8)]);
  }
  const gateway = await startDashboardGateway({
    UPSTREAM: 'openai',
    OPENAI_API_KEY: 'sk-scripted',
    OPENAI_BASE_URL: upstream.baseUrl,
    ...settings,
  });
  return { ...gateway, upstream };
}

/** Jobs, newest first. `members` sets those of a job by its number, which starts with 1. */
export const scriptedJobs = (count: number, members: (number: number) => Record<string, unknown> = () => ({})) =>
  Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    return jobBody({
      id: `ftjob-${String(number).padStart(4, '0')}`,
      created_at: 1_760_000_000 - index,
      status: 'succeeded',
      finished_at: 1_760_000_600,
      user_provided_suffix: `job-${number}`,
      ...members(number),
    });
  });
