import type { JobError } from '../../upstream/resources/job-parts.ts';
import type { FilePlan } from '../artifacts/file.ts';
import { type ExampleIssue, type ExampleKind, findExampleIssue } from './example-validation.ts';
import { readLines } from './jsonl.ts';

/** The result of the validation of a file, for a job that needs examples of one kind. */
export interface FileValidation {
  readonly examples: number;
  readonly characters: number;
  /** The error of a job with this file; null for a valid file. */
  readonly error: JobError | null;
}

type Param = 'training_file' | 'validation_file';

const MIN_EXAMPLES = 10;
const validations = new WeakMap<FilePlan, Map<string, Promise<FileValidation>>>();

/** Validates a file, once per kind and parameter. */
export function validateFile(file: FilePlan, kind: ExampleKind, param: Param): Promise<FileValidation> {
  const ofFile = validations.get(file) ?? new Map<string, Promise<FileValidation>>();
  validations.set(file, ofFile);
  const key = `${kind} ${param}`;
  const validation = ofFile.get(key) ?? validate(file, kind, param);
  ofFile.set(key, validation);
  return validation;
}

async function validate(file: FilePlan, kind: ExampleKind, param: Param): Promise<FileValidation> {
  let [examples, characters] = [0, 0];
  for await (const line of readLines(file.content())) {
    examples += 1;
    characters += line?.length ?? 0;
    const issue = findExampleIssue(line, kind);
    if (issue !== null) return { examples, characters, error: exampleError(issue, examples, kind, param) };
  }
  const min = param === 'training_file' ? MIN_EXAMPLES : 1;
  return { examples, characters, error: examples >= min ? null : tooFewExamples(examples, min, param) };
}

const nameOf = (param: Param) => param.replace('_', ' ');

/** The messages follow the two recorded ones (docs/upstream.md: Errors). */
function exampleError(issue: ExampleIssue, number: number, kind: ExampleKind, param: Param): JobError {
  if (issue === 'wrong_format') {
    const expected = kind === 'preference' ? 'preference pairs' : 'either prompt/completion pairs or chat messages';
    const message = `The job failed due to an invalid ${nameOf(param)}. Unexpected file format, expected ${expected}.`;
    return { code: `invalid_${param}`, message, param };
  }
  const message = `The job failed due to a file format error in the ${nameOf(param)}. Invalid file format. Example ${number} ${issue}`;
  return { code: 'invalid_file_format', message, param };
}

function tooFewExamples(examples: number, min: number, param: Param): JobError {
  const message = `The job failed due to an invalid ${nameOf(param)}. The file has ${examples} example(s), but must have at least ${min} examples.`;
  return { code: 'invalid_n_examples', message, param };
}
