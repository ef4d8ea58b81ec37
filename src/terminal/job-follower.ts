import type { GatewayClient } from './gateway-client.ts';
import { type Job, nameOf } from './job.ts';
import type { JobTable } from './job-table.ts';
import { UsageError } from './terminal-errors.ts';

export interface FollowOptions {
  readonly client: GatewayClient;
  readonly table: JobTable;
  /** The job to follow; undefined for all active jobs. */
  readonly jobId: string | undefined;
  /** Maximum jobs whose metrics are followed. */
  max(): number;
  onChange(): void;
  readonly signal: AbortSignal;
}

export interface JobFollower {
  /** Resolves to the one job when it has ended. Rejects with a UsageError, or an error of the client. */
  run(): Promise<Job>;
  /** Reloads all active jobs after the connection was lost. */
  catchUp(): void;
  /** Follows the metrics of the jobs that are visible now, and of no others. */
  followVisible(): void;
}

/** Writes statuses and progress to the table, and the metrics of the visible jobs. */
export function createFollower(options: FollowOptions): JobFollower {
  const { client, table, jobId, max, onChange, signal } = options;
  const followed = new Map<string, AbortController>();
  const { loadDetails, followMetrics } = createReader(options);

  /** Shows a failure that costs only a curve. The status subscription reports what ends the client. */
  function showProblem(id: string, error: unknown): void {
    if (signal.aborted || !(error instanceof Error)) return;
    const job = table.row(id)?.job;
    table.notice = `${job ? nameOf(job) : id}: ${error.message}`;
    onChange();
  }

  function followVisible(): void {
    const active = table.rows().filter(({ job }) => !job.isTerminal);
    const ids = new Set(active.slice(0, max()).map(({ job }) => job.id));
    for (const [id, controller] of followed) {
      if (ids.has(id) || table.row(id)?.job.isTerminal) continue; // The last steps arrive after the end.
      followed.delete(id);
      controller.abort();
    }
    for (const id of ids) {
      if (followed.has(id)) continue;
      const controller = new AbortController();
      followed.set(id, controller);
      followMetrics(id, AbortSignal.any([signal, controller.signal])).then(
        () => followed.get(id) === controller && followed.delete(id),
        (error) => showProblem(id, error), // Stays in `followed`: a retry would fail again.
      );
    }
  }

  return {
    followVisible,
    catchUp() {
      for (const { job } of table.rows()) {
        if (!job.isTerminal) void loadDetails(job.id).catch((error) => showProblem(job.id, error));
      }
    },
    async run() {
      const changes = jobId === undefined ? client.jobs(signal) : client.job(jobId, signal);
      for await (const { job, progress } of changes) {
        table.setJob(job);
        table.setProgress(job.id, progress);
        followVisible();
        onChange();
      }
      const job = jobId === undefined ? undefined : table.row(jobId)?.job;
      if (!job?.isTerminal) throw new UsageError('The gateway closed the subscription; run npm run watch again.');
      await loadDetails(job.id); // Its last steps.
      return job;
    },
  };
}

/** Writes one job to the table: its current details, and each new step. */
function createReader({ client, table, jobId, onChange, signal }: FollowOptions) {
  async function loadDetails(id: string): Promise<void> {
    const details = await client.loadDetails(id, signal);
    if (signal.aborted) return;
    if (details) {
      const { progress, metrics, ...job } = details;
      table.setJob(job);
      table.setDetails(id, progress, metrics?.points ?? []);
    } else if (id !== jobId) {
      table.remove(id);
    }
    onChange();
  }

  async function followMetrics(id: string, aborting: AbortSignal): Promise<void> {
    await loadDetails(id);
    if (aborting.aborted) return;
    for await (const point of client.steps(id, () => table.lastStep(id), aborting)) {
      table.addPoint(id, point);
      onChange();
    }
    if (!aborting.aborted) await loadDetails(id); // The steps end with the job, maybe before its status arrives.
  }
  return { loadDetails, followMetrics };
}
