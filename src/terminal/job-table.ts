import { type Job, nameOf, type Point, type Progress } from './job.ts';

/** A job with its progress and its metrics. */
export interface Row {
  readonly job: Job;
  readonly progress: Progress;
  /** In the order of the steps. A long curve has gaps. */
  readonly curve: readonly Point[];
}

/** The state that the views show. */
export interface JobTable {
  /** Active jobs, newest first; then ended jobs, the last to end first. */
  rows(): Row[];
  row(id: string): Row | undefined;
  /** Sets the state of a job. An ended job never becomes active again. */
  setJob(job: Job): void;
  /** Sets the progress and the whole curve of a known job. */
  setDetails(id: string, progress: Progress, curve: readonly Point[]): void;
  /** Sets the progress of a known job. */
  setProgress(id: string, progress: Progress): void;
  /** Adds a point to the curve of a known job; ignores one of an earlier step. */
  addPoint(id: string, point: Point): void;
  /** Last step of a job's curve; 0 without a curve. */
  lastStep(id: string): number;
  remove(id: string): void;
  isConnected: boolean;
  /** The last problem that did not end the client. */
  notice: string | undefined;
}

/** More than the columns of any terminal. */
const MAX_POINTS = 512;
/** Maximum ended jobs, so that a table that is open for weeks does not grow. */
const MAX_ENDED = 100;

export function createJobTable(): JobTable {
  const active = new Map<string, Row>();
  const ended = new Map<string, Row>(); // In the order of their ends.
  const find = (id: string) => active.get(id) ?? ended.get(id);
  const replace = (row: Row) => (ended.has(row.job.id) ? ended : active).set(row.job.id, row);
  return {
    isConnected: true,
    notice: undefined,
    rows: () => [...[...active.values()].sort(newestFirst), ...[...ended.values()].reverse()],
    row: find,
    setJob(job) {
      const row = { progress: null, curve: [], ...find(job.id), job };
      if (ended.has(job.id) && !job.isTerminal) return;
      if (!job.isTerminal || ended.has(job.id)) return void replace(row);
      active.delete(job.id);
      ended.set(job.id, row);
      for (const id of [...ended.keys()].slice(0, -MAX_ENDED)) ended.delete(id);
    },
    setDetails(id, progress, curve) {
      const row = find(id);
      if (row) replace({ ...row, progress, curve: downsample(curve) });
    },
    setProgress(id, progress) {
      const row = find(id);
      if (row) replace({ ...row, progress });
    },
    addPoint(id, point) {
      const row = find(id);
      if (row && point.step > lastStepOf(row)) replace({ ...row, curve: downsample([...row.curve, point]) });
    },
    lastStep: (id) => lastStepOf(find(id)),
    remove(id) {
      active.delete(id);
      ended.delete(id);
    },
  };
}

const lastStepOf = (row: Row | undefined) => row?.curve.at(-1)?.step ?? 0;

const newestFirst = (a: Row, b: Row) =>
  b.job.createdAt - a.job.createdAt || nameOf(a.job).localeCompare(nameOf(b.job)) || (a.job.id < b.job.id ? -1 : 1);

/** Every second point of a curve that is too long; always including the last. */
function downsample(curve: readonly Point[]): readonly Point[] {
  if (curve.length <= MAX_POINTS) return curve;
  return downsample(curve.filter((_, index) => (curve.length - 1 - index) % 2 === 0));
}
