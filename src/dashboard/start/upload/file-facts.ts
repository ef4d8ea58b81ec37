import { MIN_EXAMPLES } from '../../../upstream/training-data/report-builder.ts';

/** The result of the check of a stored file, as far as it is about the start of a job. */
export interface FileFacts {
  readonly fileId: string;
  readonly exampleCount: number;
  /** The names of all members of its examples; null when they are not known. */
  readonly members: ReadonlySet<string> | null;
}

/** Sentences on a file with which a job can start, and then probably fails. `grader` is JSON text. */
export function fileWarnings({ exampleCount, members }: FileFacts, grader: string): string[] {
  const missing = members === null ? [] : itemNames(grader).filter((name) => !members.has(name));
  const few = `The training file has ${exampleCount} example${exampleCount === 1 ? '' : 's'}: OpenAI expects at least ${MIN_EXAMPLES}, and fails the job otherwise.`;
  return [
    ...(exampleCount < MIN_EXAMPLES ? [few] : []),
    ...missing.map(
      (name) => `The grader reads item.${name}, but no example of the training file has a member ${name}.`,
    ),
  ];
}

/** The members of an example that a grader names in templates, such as `{{item.answer}}` or `{{ item.answer.text }}`. */
function itemNames(grader: string): string[] {
  const names = [...grader.matchAll(/\{\{\s*item\.([\p{L}\p{N}_-]+)[^{}]*\}\}/gu)].map(([, name = '']) => name);
  return [...new Set(names)];
}
