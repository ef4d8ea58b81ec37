import type { Feed } from './gateway-client.ts';
import { type Job, nameOf } from './job.ts';
import type { Board } from './job-table.ts';
import { Fault } from './terminal-errors.ts';

export interface FollowOptions {
  readonly feed: Feed;
  readonly board: Board;
  /** The one job to follow; all that move without. */
  readonly jobId: string | undefined;
  /** How many jobs are followed step by step. */
  most(): number;
  onChange(): void;
  readonly signal: AbortSignal;
}

export interface Follower {
  /** Follows until the one job has come to its end, which it gives. */
  run(): Promise<Job>;
  /** Looks at what may have been missed while the gateway was away. */
  catchUp(): void;
  /** Follows more jobs or fewer, by what there is room for. */
  attend(): void;
}

/** Brings what the feed says to the board: the states of jobs, and the steps of as many as there is room for. */
export function createFollower(options: FollowOptions): Follower {
  const { feed, board, jobId, most, onChange, signal } = options;
  const attended = new Map<string, AbortController>();

  const { survey, followSteps } = createReader(options);

  /** What fails here costs a curve only: the states have a feed of their own, which says what is wrong. */
  function tell(id: string, error: unknown): void {
    if (signal.aborted || !(error instanceof Error)) return;
    const job = board.row(id)?.job;
    board.notice = `${job ? nameOf(job) : id}: ${error.message}`;
    onChange();
  }

  function attend(): void {
    const wanted = board.rows().filter(({ job }) => !job.isTerminal);
    const ids = new Set(wanted.slice(0, most()).map(({ job }) => job.id));
    for (const [id, leaving] of attended) {
      if (ids.has(id) || board.row(id)?.job.isTerminal) continue; // The last steps come behind the end.
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
    attend,
    catchUp() {
      for (const { job } of board.rows()) {
        if (!job.isTerminal) void survey(job.id).catch((error) => tell(job.id, error));
      }
    },
    async run() {
      for await (const job of jobId === undefined ? feed.jobs(signal) : feed.job(jobId, signal)) {
        board.see(job);
        attend();
        onChange();
      }
      const job = jobId === undefined ? undefined : board.row(jobId)?.job;
      if (!job?.isTerminal) throw new Fault('The gateway has ended the feed.');
      await survey(job.id); // Its last steps.
      return job;
    },
  };
}

/** Brings one job to the board: as it is now, and step by step. */
function createReader({ feed, board, jobId, onChange, signal }: FollowOptions) {
  async function survey(id: string): Promise<void> {
    const found = await feed.survey(id, signal);
    if (signal.aborted) return;
    if (found) {
      const { progress, metrics, ...job } = found;
      board.see(job);
      board.survey(id, progress, metrics?.points ?? []);
    } else if (id !== jobId) {
      board.forget(id);
    }
    onChange();
  }

  async function followSteps(id: string, left: AbortSignal): Promise<void> {
    await survey(id);
    if (left.aborted) return;
    for await (const { job, point } of feed.steps(id, () => board.lastStep(id), left)) {
      board.add(id, job.progress, point);
      onChange();
    }
    if (!left.aborted) await survey(id); // They end with the job, whose end may come by this way first.
  }
  return { survey, followSteps };
}
