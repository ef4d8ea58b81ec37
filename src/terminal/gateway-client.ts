import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { Job, Point, Progress } from './job.ts';
import { isForbidden, RejectedError } from './terminal-errors.ts';

const JOB = 'id status rawStatus isTerminal createdAt suffix modelId fineTunedModelId error { message }';
const PROGRESS = 'progress { step totalSteps fraction estimatedFinishAt }';
const POINT = 'step trainLoss trainMeanReward';

/** What is asked of the gateway. */
export const documents = {
  job: `subscription Job($jobId: ID!) { fineTuningJobStatusChanged(jobId: $jobId) { job { ${JOB} } } }`,
  jobs: `subscription Jobs { anyFineTuningJobStatusChanged { job { ${JOB} } } }`,
  survey: `query Survey($jobId: ID!) {
    fineTuningJob(id: $jobId) { ${JOB} ${PROGRESS} metrics(maxPoints: 200) { points { ${POINT} } } }
  }`,
  steps: `subscription Steps($jobId: ID!, $sinceStep: Int) {
    fineTuningJobMetricsAdded(jobId: $jobId, sinceStep: $sinceStep) { job { ${PROGRESS} } point { ${POINT} } }
  }`,
};

const JobAnswer = z.object({ fineTuningJobStatusChanged: z.object({ job: Job }) });
const JobsAnswer = z.object({ anyFineTuningJobStatusChanged: z.object({ job: Job }) });
const Survey = z.object({
  ...Job.shape,
  progress: Progress,
  metrics: z.object({ points: z.array(Point) }).nullable(),
});
const SurveyAnswer = z.object({ fineTuningJob: Survey.nullable() });
const Step = z.object({ job: z.object({ progress: Progress }), point: Point });
const StepsAnswer = z.object({ fineTuningJobMetricsAdded: Step });

/** A gateway's answers. They outlive it: when it has gone, they wait and go on as soon as it is there again. */
export interface GatewayClient {
  /** The state of one job, and its changes until its end. */
  job(id: string, signal: AbortSignal): AsyncIterable<Job>;
  /** The states of all jobs that move, and the changes of any. */
  jobs(signal: AbortSignal): AsyncIterable<Job>;
  /** A job with its progress and its curve; null when there is none. */
  loadDetails(id: string, signal: AbortSignal): Promise<z.output<typeof Survey> | null>;
  /** The steps of a job behind the last that is known, also after a break. */
  steps(id: string, lastStep: () => number, signal: AbortSignal): AsyncIterable<z.output<typeof Step>>;
}

export interface GatewayClientOptions {
  /** The http or https URL of the gateway. */
  readonly url: string;
  readonly token: string | undefined;
  readonly clock: Clock;
  onConnection(isConnected: boolean): void;
}

export function createGatewayClient({ url, token, clock, onConnection }: GatewayClientOptions): GatewayClient {
  let wasConnected = false;
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    ...(token !== undefined && { connectionParams: { authorization: `Bearer ${token}` } }),
    webSocketImpl: WebSocket, // Which says why it cannot connect.
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => new Promise((resolve) => void clock.after(waitBeforeRetry(retries), resolve)),
    shouldRetry: (error) => wasConnected && !isForbidden(error),
    on: {
      connected() {
        wasConnected = true;
        onConnection(true);
      },
      closed: () => wasConnected && onConnection(false),
    },
  });

  const ask = askBy(client);
  return {
    async *job(jobId, signal) {
      for await (const { fineTuningJobStatusChanged: change } of ask(documents.job, { jobId }, JobAnswer, signal))
        yield change.job;
    },
    async *jobs(signal) {
      for await (const { anyFineTuningJobStatusChanged: change } of ask(documents.jobs, {}, JobsAnswer, signal))
        yield change.job;
    },
    async loadDetails(jobId, signal) {
      for await (const { fineTuningJob } of ask(documents.survey, { jobId }, SurveyAnswer, signal))
        return fineTuningJob;
      return null;
    },
    async *steps(jobId, lastStep, signal) {
      const variables = {
        jobId,
        get sinceStep() {
          return lastStep(); // Read again when the client subscribes again.
        },
      };
      for await (const { fineTuningJobMetricsAdded: step } of ask(documents.steps, variables, StepsAnswer, signal))
        yield step;
    },
  };
}

/** What asks by a client, and reads each answer. */
function askBy(client: Client) {
  return async function* ask<T>(
    query: string,
    variables: Record<string, unknown>,
    answer: z.ZodType<T>,
    signal: AbortSignal,
  ) {
    const results = client.iterate({ query, variables });
    const leave = () => void results.return?.();
    signal.addEventListener('abort', leave, { once: true });
    try {
      for await (const { data, errors } of results) {
        if (!data) throw new RejectedError(errors);
        yield answer.parse(data);
      }
    } catch (error) {
      throw Array.isArray(error) ? new RejectedError(error) : error;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  };
}

/** Milliseconds; not the same for all who have lost the same gateway. */
const waitBeforeRetry = (retries: number) => Math.min(5000, 250 * 2 ** retries) * (0.75 + Math.random() / 2);
