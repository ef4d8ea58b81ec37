import type { GatewayClient } from './gateway-client.ts';
import { type Job, nameOf } from './job.ts';
import type { JobTable } from './job-table.ts';
import { UsageError } from './terminal-errors.ts';

export interface FollowOptions {
  readonly client: GatewayClient;
  readonly table: JobTable;
  /** The one job to follow; all that move without. */
  readonly jobId: string | undefined;
  /** How many jobs are followed step by step. */
  max(): number;
  onChange(): void;
  readonly signal: AbortSignal;
}

export interface JobFollower {
  /** Follows until the one job has come to its end, which it gives. */
  run(): Promise<Job>;
  /** Looks at what may have been missed while the gateway was away. */
  catchUp(): void;
  /** Follows more jobs or fewer, by what there is room for. */
  followVisible(): void;
}

/** Brings what the feed says to the board: the states of jobs, and the steps of as many as there is room for. */
export function createFollower(options: FollowOptions): JobFollower {
  const { client, table, jobId, max, onChange, signal } = options;
  const attended = new Map<string, AbortController>();

  const { survey, followSteps } = createReader(options);

  /** What fails here costs a curve only: the states have a feed of their own, which says what is wrong. */
  function tell(id: string, error: unknown): void {
    if (signal.aborted || !(error instanceof Error)) return;
    const job = table.row(id)?.job;
    table.notice = `${job ? nameOf(job) : id}: ${error.message}`;
    onChange();
  }

  function followVisible(): void {
    const wanted = table.rows().filter(({ job }) => !job.isTerminal);
    const ids = new Set(wanted.slice(0, max()).map(({ job }) => job.id));
    for (const [id, leaving] of attended) {
      if (ids.has(id) || table.row(id)?.job.isTerminal) continue; // The last steps come behind the end.
      attended.delete(id);
      leaving.abort();
    }
    for (const id of ids) {
      if (attended.has(id)) continue;
      const leaving = new AbortController();
      attended.set(id, leaving);
      followSteps(id, AbortSignal.any([signal, leaving.signal])).then(
        () => attended.get(id) === leaving && attended.delete(id),
        (error) => tell(id, error), // Not tried again: it would fail again.
      );
    }
  }

  return {
    followVisible,
    catchUp() {
      for (const { job } of table.rows()) {
        if (!job.isTerminal) void survey(job.id).catch((error) => tell(job.id, error));
      }
    },
    async run() {
      for await (const job of jobId === undefined ? client.jobs(signal) : client.job(jobId, signal)) {
        table.see(job);
        followVisible();
        onChange();
      }
      const job = jobId === undefined ? undefined : table.row(jobId)?.job;
      if (!job?.isTerminal) throw new UsageError('The gateway has ended the feed.');
      await survey(job.id); // Its last steps.
      return job;
    },
  };
}

/** Brings one job to the board: as it is now, and step by step. */
function createReader({ client, table, jobId, onChange, signal }: FollowOptions) {
  async function survey(id: string): Promise<void> {
    const found = await client.loadDetails(id, signal);
    if (signal.aborted) return;
    if (found) {
      const { progress, metrics, ...job } = found;
      table.see(job);
      table.loadDetails(id, progress, metrics?.points ?? []);
    } else if (id !== jobId) {
      table.forget(id);
    }
    onChange();
  }

  async function followSteps(id: string, left: AbortSignal): Promise<void> {
    await survey(id);
    if (left.aborted) return;
    for await (const { job, point } of client.steps(id, () => table.lastStep(id), left)) {
      table.add(id, job.progress, point);
      onChange();
    }
    if (!left.aborted) await survey(id); // They end with the job, whose end may come by this way first.
  }
  return { survey, followSteps };
}
