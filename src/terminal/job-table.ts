import { type Job, nameOf, type Point, type Progress } from './job.ts';

/** A job as the picture has it. */
export interface Row {
  readonly job: Job;
  readonly progress: Progress;
  /** In the order of the steps; a long one has gaps. */
  readonly curve: readonly Point[];
}

/** All that is in the picture. */
export interface JobTable {
  /** Those that move, newest first, and then those that have come to their end, the last of them first. */
  rows(): Row[];
  row(id: string): Row | undefined;
  /** Takes the state of a job; one that has come to its end stays there. */
  see(job: Job): void;
  /** Takes how far a job has come, and its curve so far. */
  loadDetails(id: string, progress: Progress, curve: readonly Point[]): void;
  /** Takes a step that a job has made; one that is known already changes no curve. */
  add(id: string, progress: Progress, point: Point): void;
  /** The last step in the curve of a job, 0 without. */
  lastStep(id: string): number;
  forget(id: string): void;
  /** Whether the gateway is there. */
  isConnected: boolean;
  /** What last went wrong with a part of the picture. */
  notice: string | undefined;
}

/** More points than any terminal has columns. */
const MAX_POINTS = 512;
/** Jobs at their end that are still shown: a picture that stays open for weeks does not grow. */
const MAX_ENDED = 100;

export function createJobTable(): JobTable {
  const live = new Map<string, Row>();
  const ended = new Map<string, Row>(); // In the order of their ends.
  const find = (id: string) => live.get(id) ?? ended.get(id);
  const keep = (row: Row) => (ended.has(row.job.id) ? ended : live).set(row.job.id, row);
  return {
    isConnected: true,
    notice: undefined,
    rows: () => [...[...live.values()].sort(newestFirst), ...[...ended.values()].reverse()],
    row: find,
    see(job) {
      const row = { progress: null, curve: [], ...find(job.id), job };
      if (ended.has(job.id) && !job.isTerminal) return;
      if (!job.isTerminal || ended.has(job.id)) return void keep(row);
      live.delete(job.id);
      ended.set(job.id, row);
      for (const id of [...ended.keys()].slice(0, -MAX_ENDED)) ended.delete(id);
    },
    loadDetails(id, progress, curve) {
      const row = find(id);
      if (row) keep({ ...row, progress, curve: thin(curve) });
    },
    add(id, progress, point) {
      const row = find(id);
      if (!row) return;
      const isNew = point.step > lastStepOf(row);
      keep({ ...row, progress: progress ?? row.progress, curve: isNew ? thin([...row.curve, point]) : row.curve });
    },
    lastStep: (id) => lastStepOf(find(id)),
    forget(id) {
      live.delete(id);
      ended.delete(id);
    },
  };
}

const lastStepOf = (row: Row | undefined) => row?.curve.at(-1)?.step ?? 0;

const newestFirst = (a: Row, b: Row) =>
  b.job.createdAt - a.job.createdAt || nameOf(a.job).localeCompare(nameOf(b.job)) || (a.job.id < b.job.id ? -1 : 1);

/** Half of the points of a curve that is too long; always with the last. */
function thin(curve: readonly Point[]): readonly Point[] {
  if (curve.length <= MAX_POINTS) return curve;
  return thin(curve.filter((_, index) => (curve.length - 1 - index) % 2 === 0));
}
