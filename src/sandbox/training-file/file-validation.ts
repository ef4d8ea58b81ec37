import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { FilePlan } from '../artifacts/file.ts';
import { type ExampleKind, faultOfExample } from './example-validation.ts';
import { readLines } from './jsonl.ts';

/** What validation finds in a file, for a job that wants lines of one kind. */
export interface FileValidation {
  readonly examples: number;
  readonly characters: number;
  /** What a job with this file fails with. */
  readonly error: JobError | null;
}

type Param = 'training_file' | 'validation_file';

const MIN_EXAMPLES = 10;
const inspections = new WeakMap<FilePlan, Map<string, Promise<FileValidation>>>();

/** Reads the whole file, once for each kind. */
export function validateFile(file: FilePlan, kind: ExampleKind, param: Param): Promise<FileValidation> {
  const known = inspections.get(file) ?? new Map<string, Promise<FileValidation>>();
  inspections.set(file, known);
  const key = `${kind} ${param}`;
  const inspection = known.get(key) ?? read(file, kind, param);
  known.set(key, inspection);
  return inspection;
}

async function read(file: FilePlan, kind: ExampleKind, param: Param): Promise<FileValidation> {
  let [examples, characters] = [0, 0];
  for await (const line of readLines(file.content())) {
    examples += 1;
    characters += line?.length ?? 0;
    const fault = faultOfExample(line, kind);
    if (fault !== null) return { examples, characters, error: errorOf(fault, examples, kind, param) };
  }
  const isEnough = examples >= (param === 'training_file' ? MIN_EXAMPLES : 1);
  return { examples, characters, error: isEnough ? null : tooFew(examples, param) };
}

const nameOf = (param: Param) => param.replace('_', ' ');

/** In the words of the two errors of this kind that were seen (docs/upstream.md: Errors). */
function errorOf(fault: string, number: number, kind: ExampleKind, param: Param): JobError {
  if (fault === 'formless') {
    const expected = kind === 'preference' ? 'preference pairs' : 'either prompt/completion pairs or chat messages';
    const message = `The job failed due to an invalid ${nameOf(param)}. Unexpected file format, expected ${expected}.`;
    return { code: `invalid_${param}`, message, param };
  }
  const message = `The job failed due to a file format error in the ${nameOf(param)}. Invalid file format. Example ${number} ${fault}`;
  return { code: 'invalid_file_format', message, param };
}

function tooFew(examples: number, param: Param): JobError {
  const fewest = param === 'training_file' ? MIN_EXAMPLES : 1;
  const message = `The job failed due to an invalid ${nameOf(param)}. The file has ${examples} example(s), but must have at least ${fewest} examples.`;
  return { code: 'invalid_n_examples', message, param };
}
