import { isObject, type Members } from '../json/members.ts';
import { countImages } from './content-part-rules.ts';
import { type ExampleIssue, error, warning } from './example-issue.ts';
import { isBlank, parseLine } from './example-line.ts';
import type { TrainingFormat } from './example-rules.ts';
import { createFormatTallies, type TrainingIssue } from './format-tally.ts';

/** The result of validating a training file. */
export interface TrainingReport {
  /** The format of all examples; null when they differ or there is none. */
  readonly format: TrainingFormat | null;
  readonly exampleCount: number;
  /** Characters of all lines, without line ends. */
  readonly characterCount: number;
  /** Characters of the longest line. */
  readonly longestExample: number;
  /** Examples that equal an earlier one byte for byte; a lower bound after a million distinct ones. */
  readonly duplicateCount: number;
  /** The first hundred issues. */
  readonly issues: readonly TrainingIssue[];
  readonly issueCount: number;
  readonly errorCount: number;
}

/** Collects the counts and issues of all lines. Lines are numbered from 1; lengths are in characters. */
export interface ReportBuilder {
  /** Errors so far. Before the end of the file, without those that depend on the format of later lines. */
  readonly errorCount: number;
  /** Adds the length of a line that is not parsed, in characters. */
  measure(length: number): void;
  /** Adds a line that is too long to be parsed. */
  addTooLongLine(line: number, maxBytes: number): void;
  /** Adds a line without its line feed; `length` is in characters. */
  addLine(line: number, bytes: Uint8Array, length: number): void;
  /** Adds the issues of the file, after its last line. */
  endFile(hasBytes: boolean): void;
  /** The format of most examples so far, allowed or not; null without an example. */
  readonly majorityFormat: TrainingFormat | null;
  report(): TrainingReport;
}

/** Options of a report. */
export interface ReportOptions {
  /** The formats that are allowed, the most usual one first. Null allows the format of most examples. */
  readonly formats?: readonly TrainingFormat[] | null;
  /** Returns whether an example has the same content as an earlier one. Without it, duplicates are not counted. */
  readonly isDuplicate?: (content: Uint8Array) => boolean;
  /** Called with each example, valid or not. */
  readonly onExample?: ((example: Members) => void) | undefined;
}

// The limits that OpenAI publishes (docs/upstream.md: Training file rules).
export const MIN_EXAMPLES = 10;
const MAX_EXAMPLES_WITH_IMAGES = 50_000;

const CR = 0x0d;

export function createReportBuilder({ formats = null, isDuplicate, onExample }: ReportOptions): ReportBuilder {
  const tallies = createFormatTallies(formats);
  const counts = { examples: 0, withImages: 0, characters: 0, longest: 0, duplicates: 0 };
  let isEnded = false;

  function measure(length: number) {
    counts.characters += length;
    counts.longest = Math.max(counts.longest, length);
  }

  function addExample(line: number, content: Uint8Array) {
    const parsed = parseLine(content);
    if ('error' in parsed) return tallies.add(line, parsed.error);
    const { value: example } = parsed;
    if (!isObject(example) || !tallies.addExample(line, example)) return tallies.add(line, NO_EXAMPLE);
    onExample?.(example);
    if (countImages(example['messages']) > 0) counts.withImages++;
    for (const issue of parsed.issues) tallies.add(line, issue);
  }

  return {
    get errorCount() {
      return isEnded ? tallies.tally().errorCount : tallies.certainErrorCount;
    },
    measure,
    addTooLongLine(line, maxBytes) {
      counts.examples++;
      tallies.add(line, error(`is too long; expected a line of at most ${maxBytes} bytes`));
    },
    addLine(line, bytes, length) {
      const hasByteOrderMark = line === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
      if (hasByteOrderMark) tallies.add(line, warning('has a byte order mark; expected UTF-8 without one'));
      const content = bytes.subarray(hasByteOrderMark ? 3 : 0, bytes.at(-1) === CR ? -1 : undefined);
      if (isBlank(content)) return tallies.add(line, warning('is blank; expected an example'));
      measure(hasByteOrderMark ? length - 1 : length);
      counts.examples++;
      if (isDuplicate?.(content)) counts.duplicates++;
      addExample(line, content);
    },
    endFile(hasBytes) {
      isEnded = true;
      for (const issue of findFileIssues({ ...counts, hasBytes })) tallies.add(null, issue);
    },
    get majorityFormat() {
      return tallies.majority();
    },
    report() {
      const { issues, issueCount, errorCount, isMixed } = tallies.tally();
      return {
        format: isMixed || tallies.majority() === null ? null : tallies.expected(),
        exampleCount: counts.examples,
        characterCount: counts.characters,
        longestExample: counts.longest,
        duplicateCount: counts.duplicates,
        issues,
        issueCount,
        errorCount,
      };
    },
  };
}

interface FileCounts {
  readonly hasBytes: boolean;
  readonly examples: number;
  readonly withImages: number;
}

function findFileIssues({ hasBytes, examples, withImages }: FileCounts): ExampleIssue[] {
  if (!hasBytes) return [error('is empty; expected a file with at least one example')];
  if (examples === 0) return [error('has only blank lines; expected a file with at least one example')];
  return [
    ...(examples < MIN_EXAMPLES
      ? [warning(`has too few examples (${examples}); OpenAI expects at least ${MIN_EXAMPLES}`)]
      : []),
    ...(withImages > MAX_EXAMPLES_WITH_IMAGES
      ? [error(`has too many examples with images (${withImages}); expected at most ${MAX_EXAMPLES_WITH_IMAGES}`)]
      : []),
  ];
}

const NO_EXAMPLE = error(
  'is not an example; expected an object with messages, or with prompt and completion, or with input, preferred_output and non_preferred_output',
);
