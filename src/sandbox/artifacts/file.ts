import type { FileBody } from '../../upstream/resources/file.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { statusChangedAt } from '../simulation/lifecycle.ts';
import { exampleLines } from './example-generator.ts';
import { inSeconds } from './job.ts';
import { resultsCsv } from './results.ts';

/** A file from its upload to its deletion or expiry. */
export interface FilePlan {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Null unless the file is deleted. */
  readonly deletedAt: number | null;
  /** Milliseconds since the epoch; absent when the file does not expire. */
  readonly expiresAt?: number;
  /** Size of the content. */
  readonly bytes: number;
  /** The chunks of the content: generated text, or the bytes of an upload. */
  content(): Iterable<string> | AsyncIterable<Uint8Array>;
}

/** A file with generated content. */
interface GeneratedFile extends FilePlan {
  content(): Iterable<string>;
}

/** Computes `bytes` once, on demand: it takes as long as the content. */
export function createFile(plan: Omit<GeneratedFile, 'bytes'>): FilePlan {
  let bytes: number | undefined;
  return {
    ...plan,
    get bytes() {
      bytes ??= Iterator.from(plan.content()).reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0);
      return bytes;
    },
  };
}

const cachedFiles = new WeakMap<JobPlan, readonly FilePlan[]>();

/**
 * The generated files of a job, including those that it shares with other jobs. Only a job that succeeds has a results
 * file.
 */
export function filesOf(plan: JobPlan): readonly FilePlan[] {
  const cached = cachedFiles.get(plan);
  if (cached !== undefined) return cached;
  const inputs = plan.request === undefined ? [trainingFile(plan), validationFile(plan)] : [];
  const files = [...inputs, resultsFile(plan)].filter((file) => file !== null);
  cachedFiles.set(plan, files);
  return files;
}

function trainingFile(plan: JobPlan): FilePlan {
  return createFile({
    id: plan.trainingFile,
    filename: `${plan.fileStem}-train.jsonl`,
    purpose: 'fine-tune',
    createdAt: plan.createdAt - 3 * plan.secondMs,
    deletedAt: plan.trainingFileDeletedAt,
    content: () => inChunks(exampleLines(plan, plan.trainingFile, plan.examples)),
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
    content: () => inChunks(exampleLines({ ...plan, error: null }, id, Math.ceil(plan.examples / 5))),
  });
}

function resultsFile(plan: JobPlan): FilePlan | null {
  const createdAt = statusChangedAt(plan, 'succeeded', Number.POSITIVE_INFINITY);
  if (createdAt === null) return null;
  return createFile({
    id: plan.results.resultFile,
    filename: plan.method.type === 'reinforcement' ? 'compiled_results.csv' : 'step_metrics.csv',
    purpose: 'fine-tune-results',
    createdAt,
    deletedAt: null,
    content: () => [Buffer.from(resultsCsv(plan)).toString('base64')], // The form of real files with this purpose.
  });
}

const CHUNK_CHARACTERS = 16_384;

function* inChunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** The uploads and deletions of clients. */
interface FileWrites {
  readonly files: readonly FilePlan[];
  isRemoved(id: string): boolean;
}

/**
 * The files that exist at `now`, newest first. `jobs` are sorted oldest first: a shared file is as old as the first job
 * that uses it.
 */
export function filesAt(jobs: Iterable<JobPlan>, now: number, writes: FileWrites): readonly FilePlan[] {
  const byId = new Map(writes.files.map((file) => [file.id, file]));
  for (const plan of jobs) for (const file of filesOf(plan)) if (!byId.has(file.id)) byId.set(file.id, file);
  const exists = ({ id, createdAt, deletedAt, expiresAt }: FilePlan) =>
    createdAt <= now && now < (deletedAt ?? expiresAt ?? Number.POSITIVE_INFINITY) && !writes.isRemoved(id);
  return [...byId.values()].filter(exists).sort((a, b) => b.createdAt - a.createdAt);
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
