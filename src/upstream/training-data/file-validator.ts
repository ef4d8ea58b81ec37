import { isWithinDepth, MAX_DEPTH } from '../json/depth.ts';
import { membersOf } from '../json/members.ts';
import { parseJson } from '../json/parse.ts';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../json/token-count.ts';
import { createContentHashSet } from './content-hash-set.ts';
import { detectFormat, type ExampleIssue, findExampleIssues, type TrainingFormat } from './example-rules.ts';

export interface TrainingIssue extends ExampleIssue {
  /** The line, from 1; null when the issue is about the whole file. */
  readonly line: number | null;
}

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

export interface TrainingDataValidator {
  /** Validates the next bytes. Never throws. */
  add(chunk: Uint8Array): void;
  /** The number of errors so far. A file with an error cannot be used. */
  readonly errorCount: number;
  /** Ends the validation and returns the report. */
  report(): TrainingReport;
}

/** Maximum bytes of a line that is parsed. A longer line is only measured, which bounds the memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const MAX_ISSUES = 100;
/** Maximum number of hashes of distinct examples: 16 MiB. */
const MAX_HASHES = 1_000_000;
/** The minimum that OpenAI accepts (docs/upstream.md: Training file rules). */
const MIN_EXAMPLES = 10;

const [LF, CR] = [0x0a, 0x0d];
const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;

/** Creates a validator of JSONL. It buffers at most one line, and the report does not depend on chunk boundaries. */
export function createTrainingDataValidator(): TrainingDataValidator {
  const builder = createReportBuilder();
  let buffer = Buffer.alloc(64 * 1024); // The current line, unless it is too long. Grows as needed.
  let bytes = 0;
  let characters = 0;
  let lastByte = -1;
  let line = 1;
  let hasBytes = false;

  function append(piece: Uint8Array) {
    if (piece.length === 0) return;
    const length = bytes + piece.length;
    if (length <= MAX_LINE_BYTES) {
      if (length > buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, MAX_LINE_BYTES));
      buffer.set(piece, bytes);
    } else if (bytes <= MAX_LINE_BYTES) builder.addTooLongLine(line); // Reported at once: the line end can be far away.
    bytes = length;
    lastByte = piece[piece.length - 1] ?? -1;
    for (let index = 0; index < piece.length; index++) if (!isContinuation(piece[index] ?? 0)) characters++;
  }

  function endLine() {
    const length = characters - (lastByte === CR ? 1 : 0);
    if (bytes > MAX_LINE_BYTES) builder.measure(length);
    else builder.addLine(line, buffer.subarray(0, bytes), length);
    bytes = 0;
    characters = 0;
    lastByte = -1;
    line++;
  }

  return {
    add(chunk) {
      hasBytes ||= chunk.length > 0;
      let start = 0;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
        append(chunk.subarray(start, end));
        endLine();
        start = end + 1;
      }
      append(chunk.subarray(start));
    },
    get errorCount() {
      return builder.errorCount;
    },
    report() {
      if (bytes > 0) endLine();
      return builder.report(hasBytes);
    },
  };
}

/** Validates a whole file. Errors of `chunks` are passed on. */
export async function validateTrainingData(chunks: AsyncIterable<Uint8Array>): Promise<TrainingReport> {
  const validator = createTrainingDataValidator();
  for await (const chunk of chunks) validator.add(chunk);
  return validator.report();
}

/** Collects the counts and issues of all lines. Lines are numbered from 1; lengths are in characters. */
function createReportBuilder() {
  const issues: TrainingIssue[] = [];
  const contentHashes = createContentHashSet(MAX_HASHES);
  const formats = new Set<TrainingFormat>();
  const counts = { issues: 0, errors: 0, examples: 0, characters: 0, longest: 0, duplicates: 0 };

  function addIssue(line: number | null, { severity, message }: ExampleIssue) {
    counts.issues++;
    if (severity === 'error') counts.errors++;
    if (issues.length < MAX_ISSUES) issues.push({ line, severity, message });
  }
  const addError = (line: number | null, message: string) => addIssue(line, { severity: 'error', message });
  const addWarning = (line: number | null, message: string) => addIssue(line, { severity: 'warning', message });

  function measure(length: number) {
    counts.characters += length;
    counts.longest = Math.max(counts.longest, length);
  }

  function addExample(line: number, content: Buffer) {
    const parsed = parseLine(content);
    if ('error' in parsed) return addError(line, parsed.error);
    const { value } = parsed;
    const format = detectFormat(value);
    if (format === null) return addError(line, NO_EXAMPLE);
    const [first = format] = formats;
    if (format !== first)
      addError(line, `has the format ${format}; expected ${first}, the format of the first example`);
    formats.add(format);
    for (const issue of findExampleIssues(membersOf(value), format)) addIssue(line, issue);
  }

  return {
    get errorCount() {
      return counts.errors;
    },
    measure,
    addTooLongLine(line: number) {
      counts.examples++;
      addError(line, `is too long; expected a line of at most ${MAX_LINE_BYTES} bytes`);
    },
    addLine(line: number, bytes: Buffer, length: number) {
      const hasByteOrderMark = line === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
      if (hasByteOrderMark) addWarning(line, 'has a byte order mark; expected UTF-8 without one');
      const content = bytes.subarray(hasByteOrderMark ? 3 : 0, bytes.at(-1) === CR ? -1 : undefined);
      if (content.length === 0) return addWarning(line, 'is empty; expected an example');
      measure(hasByteOrderMark ? length - 1 : length);
      counts.examples++;
      if (contentHashes.testAndAdd(content)) counts.duplicates++;
      addExample(line, content);
    },
    report(hasBytes: boolean): TrainingReport {
      const { examples } = counts;
      if (!hasBytes) addError(null, 'is empty; expected a file with at least one example');
      else if (examples < MIN_EXAMPLES) {
        addWarning(null, `has too few examples (${examples}); OpenAI expects at least ${MIN_EXAMPLES}`);
      }
      const [format = null] = formats.size === 1 ? formats : [];
      return {
        format,
        exampleCount: examples,
        characterCount: counts.characters,
        longestExample: counts.longest,
        duplicateCount: counts.duplicates,
        issues,
        issueCount: counts.issues,
        errorCount: counts.errors,
      };
    },
  };
}

const NO_EXAMPLE =
  'is not an example; expected an object with messages, or with prompt and completion, or with input, preferred_output and non_preferred_output';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseLine(content: Buffer): { value: unknown } | { error: string } {
  if (createJsonTokenCounter().add(content) > MAX_JSON_TOKENS) {
    return { error: `has too many JSON values; expected at most ${MAX_JSON_TOKENS} JSON tokens` };
  }
  let text: string;
  try {
    text = utf8.decode(content);
  } catch {
    return { error: 'is not UTF-8; expected JSON in UTF-8' };
  }
  const value = parseJson(text);
  if (value === undefined) return { error: 'is not JSON; expected one JSON object per line' };
  return isWithinDepth(value) ? { value } : { error: `is nested too deep; expected at most ${MAX_DEPTH} levels` };
}
