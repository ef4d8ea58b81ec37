import type { FileBody } from '../../upstream/resources/file.ts';
import { inSeconds, type JobPlan } from '../simulation/job-plan.ts';
import { statusChangedAt } from '../simulation/lifecycle.ts';
import { exampleLines } from './example-generator.ts';
import { resultsCsv } from './results.ts';

/** A file from its upload to its deletion. */
export interface FilePlan {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Null when it is never deleted. */
  readonly deletedAt: number | null;
  /** When it goes by itself, ms since the epoch; absent when it does not. */
  readonly expiresAt?: number;
  /** The exact length of the content. */
  readonly bytes: number;
  /** The content, in pieces: text that is made anew each time, or what was uploaded. */
  content(): Iterable<string> | AsyncIterable<Uint8Array>;
}

/** A file that is made up. */
interface TextFile extends FilePlan {
  content(): Iterable<string>;
}

/** `bytes` is counted when somebody asks for it, once: that takes as long as to make the content. */
export function createFile(plan: Omit<TextFile, 'bytes'>): FilePlan {
  let bytes: number | undefined;
  return {
    ...plan,
    get bytes() {
      bytes ??= Iterator.from(plan.content()).reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
      return bytes;
    },
  };
}

const files = new WeakMap<JobPlan, readonly FilePlan[]>();

/**
 * The files of a job, those it shares with others included, but for those that a client has uploaded; a results file
 * only if it ever succeeds.
 */
export function filesOf(plan: JobPlan): readonly FilePlan[] {
  const known = files.get(plan);
  if (known !== undefined) return known;
  const read = plan.request === undefined ? [trainingFile(plan), validationFile(plan)] : [];
  const own = [...read, resultsFile(plan)].filter((file) => file !== null);
  files.set(plan, own);
  return own;
}

function trainingFile(plan: JobPlan): FilePlan {
  return createFile({
    id: plan.trainingFile,
    filename: `${plan.fileStem}-train.jsonl`,
    purpose: 'fine-tune',
    createdAt: plan.createdAt - 3 * plan.secondMs,
    deletedAt: plan.trainingFileDeletedAt,
    content: () => inPieces(exampleLines(plan, plan.trainingFile, plan.examples)),
  });
}

function validationFile(plan: JobPlan): FilePlan | null {
  const { validationFile: id } = plan;
  if (id === null) return null;
  return createFile({
    id,
    filename: `${plan.fileStem}-valid.jsonl`,
    purpose: 'fine-tune',
    createdAt: plan.createdAt - 2 * plan.secondMs,
    deletedAt: null,
    content: () => inPieces(exampleLines({ ...plan, error: null }, id, Math.ceil(plan.examples / 5))),
  });
}

function resultsFile(plan: JobPlan): FilePlan | null {
  const createdAt = statusChangedAt(plan, 'succeeded', Number.POSITIVE_INFINITY);
  if (createdAt === null) return null;
  return createFile({
    id: plan.yields.resultFile,
    filename: plan.method.type === 'reinforcement' ? 'compiled_results.csv' : 'step_metrics.csv',
    purpose: 'fine-tune-results',
    createdAt,
    deletedAt: null,
    content: () => [Buffer.from(resultsCsv(plan)).toString('base64')], // As real files of this purpose are served.
  });
}

/** Characters that are written at once. */
const PIECE = 16_384;

function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** What clients have done to files. */
interface Writes {
  readonly files: readonly FilePlan[];
  isRemoved(id: string): boolean;
}

/** The files that are there at `now`, newest first. `oldestFirst`: of the jobs that share a file, the first uploaded it. */
export function filesAt(oldestFirst: Iterable<JobPlan>, now: number, writes: Writes): readonly FilePlan[] {
  const known = new Map(writes.files.map((file) => [file.id, file]));
  for (const plan of oldestFirst) for (const file of filesOf(plan)) if (!known.has(file.id)) known.set(file.id, file);
  const isThere = ({ id, createdAt, deletedAt, expiresAt }: FilePlan) =>
    createdAt <= now && now < (deletedAt ?? expiresAt ?? Number.POSITIVE_INFINITY) && !writes.isRemoved(id);
  return [...known.values()].filter(isThere).sort((a, b) => b.createdAt - a.createdAt);
}

export function fileBody({ id, filename, purpose, createdAt, expiresAt, bytes }: FilePlan) {
  return {
    object: 'file' as const,
    id,
    purpose,
    filename,
    bytes,
    created_at: inSeconds(createdAt),
    expires_at: expiresAt === undefined ? null : inSeconds(expiresAt),
    status: 'processed',
    status_details: null,
  } satisfies FileBody & { object: string };
}
