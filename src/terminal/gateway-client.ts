import type { FormattedExecutionResult } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { Job, Point, Progress } from './job.ts';
import { isForbidden, RejectedError } from './terminal-errors.ts';

const JOB = 'id status rawStatus isTerminal createdAt suffix modelId fineTunedModelId error { message }';
const PROGRESS = 'progress { step totalSteps fraction estimatedFinishAt }';
const POINT = 'step trainLoss trainMeanReward';

/** All documents that the client sends. */
export const documents = {
  jobProgress: `subscription JobProgress($jobId: ID!) {
    fineTuningJobProgressChanged(jobId: $jobId) { job { ${JOB} } ${PROGRESS} }
  }`,
  jobsProgress: `subscription JobsProgress { anyFineTuningJobProgressChanged { job { ${JOB} } ${PROGRESS} } }`,
  details: `query JobDetails($jobId: ID!) {
    fineTuningJob(id: $jobId) { ${JOB} ${PROGRESS} metrics(maxPoints: 200) { points { ${POINT} } } }
  }`,
  steps: `subscription JobSteps($jobId: ID!, $sinceStep: Int) {
    fineTuningJobMetricsAdded(jobId: $jobId, sinceStep: $sinceStep) { point { ${POINT} } }
  }`,
};

const Change = z.object({ job: Job, progress: Progress });
const JobProgress = z.object({ fineTuningJobProgressChanged: Change });
const JobsProgress = z.object({ anyFineTuningJobProgressChanged: Change });
const Details = z.object({
  ...Job.shape,
  progress: Progress,
  metrics: z.object({ points: z.array(Point) }).nullable(),
});
const JobDetails = z.object({ fineTuningJob: Details.nullable() });
const JobSteps = z.object({ fineTuningJobMetricsAdded: z.object({ point: Point }) });

/** Subscriptions to a gateway. They survive a lost connection: they wait, reconnect and continue. */
export interface GatewayClient {
  /** The current status and progress of a job, then its changes, until it ends. */
  job(id: string, signal: AbortSignal): AsyncIterable<z.output<typeof Change>>;
  /** The current status and progress of all active jobs, then all changes. */
  jobs(signal: AbortSignal): AsyncIterable<z.output<typeof Change>>;
  /** A job with its progress and its metrics; null when it does not exist. */
  loadDetails(id: string, signal: AbortSignal): Promise<z.output<typeof Details> | null>;
  /** The steps of a job after `lastStep`, without gaps after a lost connection. */
  steps(id: string, lastStep: () => number, signal: AbortSignal): AsyncIterable<Point>;
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
    webSocketImpl: WebSocket, // Unlike Node's own, it reports why it cannot connect.
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

  const run = createRun(client);
  return {
    async *job(jobId, signal) {
      const changes = run(documents.jobProgress, { jobId }, JobProgress, signal);
      for await (const { fineTuningJobProgressChanged: change } of changes) yield change;
    },
    async *jobs(signal) {
      const changes = run(documents.jobsProgress, {}, JobsProgress, signal);
      for await (const { anyFineTuningJobProgressChanged: change } of changes) yield change;
    },
    async loadDetails(jobId, signal) {
      for await (const { fineTuningJob } of run(documents.details, { jobId }, JobDetails, signal)) return fineTuningJob;
      return null;
    },
    async *steps(jobId, lastStep, signal) {
      const variables = {
        jobId,
        get sinceStep() {
          return lastStep(); // The client reads it again when it resubscribes.
        },
      };
      const steps = run(documents.steps, variables, JobSteps, signal);
      for await (const { fineTuningJobMetricsAdded: step } of steps) yield step.point;
    },
  };
}

/**
 * Returns a function that runs an operation and parses each result. It throws a RejectedError for a result without data,
 * except for one about an event that cannot be read: the stream continues after it.
 */
function createRun(client: Client) {
  return async function* run<T>(
    query: string,
    variables: Record<string, unknown>,
    data: z.ZodType<T>,
    signal: AbortSignal,
  ) {
    const results = client.iterate({ query, variables });
    const abort = () => void results.return?.();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for await (const result of results) {
        if (result.data) yield data.parse(result.data);
        else if (!isUnreadableEvent(result.errors)) throw new RejectedError(result.errors);
      }
    } catch (error) {
      throw Array.isArray(error) ? new RejectedError(error) : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
}

/** Whether the error is that of one event of a subscription: its path is the subscription's field. */
function isUnreadableEvent(errors: FormattedExecutionResult['errors']): boolean {
  const [{ path, extensions } = {}] = errors ?? [];
  const isEvent = path?.length === 1 && path[0] === 'fineTuningJobMetricsAdded';
  return isEvent && extensions?.['code'] === 'UPSTREAM_INVALID_RESPONSE';
}

/** Milliseconds, with jitter: not all clients of a restarted gateway reconnect at once. */
const waitBeforeRetry = (retries: number) => Math.min(5000, 250 * 2 ** retries) * (0.75 + Math.random() / 2);
