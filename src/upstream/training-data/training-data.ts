import { isWithinDepth } from '../json/depth.ts';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../json/token-count.ts';
import { createContentHashSet } from './content-hash-set.ts';
import { detectFormat, type ExampleIssue, findExampleIssues, type TrainingFormat } from './training-example.ts';

export interface TrainingIssue extends ExampleIssue {
  /** The line it stands in, from 1; null when it is about the whole. */
  readonly line: number | null;
}

/** What stands in a file that is to be trained on. */
export interface TrainingReport {
  /** Of its examples; null when they differ, or there is none. */
  readonly format: TrainingFormat | null;
  readonly exampleCount: number;
  /** Of all lines, without their ends. */
  readonly characterCount: number;
  /** Characters of the longest line. */
  readonly longestExample: number;
  /** Examples that stood there before, to the byte; a lower bound past the first million different ones. */
  readonly duplicateCount: number;
  /** The first hundred. */
  readonly issues: readonly TrainingIssue[];
  readonly issueCount: number;
  readonly errorCount: number;
}

export interface TrainingDataValidator {
  /** Takes the next bytes; never throws. */
  add(chunk: Uint8Array): void;
  /** Issues so far that are errors: as soon as there is one the file is of no use. */
  readonly errorCount: number;
  /** Ends it. */
  report(): TrainingReport;
}

/** Of a longer line only its length is told; the bound keeps what a line costs in memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const MAX_ISSUES = 100;
/** They take 16 MiB. */
const MAX_HASHES = 1_000_000;
/** Fewest examples that OpenAI takes. */
const MIN_EXAMPLES = 10;

const [LF, CR] = [0x0a, 0x0d];
const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;

/** Checks JSONL for fine-tuning as it flows: in the memory of one line, however it is cut into chunks. */
export function createTrainingDataValidator(): TrainingDataValidator {
  const tally = createTally();
  let held = Buffer.alloc(64 * 1024); // The line so far, as long as it is not too long; it grows.
  let bytes = 0;
  let characters = 0;
  let lastByte = -1;
  let line = 1;
  let hasBytes = false;

  function take(piece: Uint8Array) {
    if (piece.length === 0) return;
    const length = bytes + piece.length;
    if (length <= MAX_LINE_BYTES) {
      if (length > held.length) held = Buffer.concat([held], Math.min(2 * length, MAX_LINE_BYTES));
      held.set(piece, bytes);
    } else if (bytes <= MAX_LINE_BYTES) tally.tooLong(line); // Now: its end may be far.
    bytes = length;
    lastByte = piece[piece.length - 1] ?? -1;
    for (let at = 0; at < piece.length; at++) if (!isContinuation(piece[at] ?? 0)) characters++;
  }

  function end() {
    const length = characters - (lastByte === CR ? 1 : 0);
    if (bytes > MAX_LINE_BYTES) tally.measure(length);
    else tally.line(line, held.subarray(0, bytes), length);
    bytes = 0;
    characters = 0;
    lastByte = -1;
    line++;
  }

  return {
    add(chunk) {
      hasBytes ||= chunk.length > 0;
      let from = 0;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        take(chunk.subarray(from, at));
        end();
        from = at + 1;
      }
      take(chunk.subarray(from));
    },
    get errorCount() {
      return tally.errorCount;
    },
    report() {
      if (bytes > 0) end();
      return tally.report(hasBytes);
    },
  };
}

function createTally() {
  const issues: TrainingIssue[] = [];
  const seen = createContentHashSet(MAX_HASHES);
  const formats = new Set<TrainingFormat>();
  const counts = { issues: 0, errors: 0, examples: 0, characters: 0, longest: 0, duplicates: 0 };

  function tell(line: number | null, { severity, message }: ExampleIssue) {
    counts.issues++;
    if (severity === 'error') counts.errors++;
    if (issues.length < MAX_ISSUES) issues.push({ line, severity, message });
  }
  const fail = (line: number | null, message: string) => tell(line, { severity: 'error', message });

  function measure(length: number) {
    counts.characters += length;
    counts.longest = Math.max(counts.longest, length);
  }

  function example(line: number, content: Buffer) {
    const read = parsed(content);
    if ('fault' in read) return fail(line, read.fault);
    const { value } = read;
    const format = detectFormat(value);
    if (format === null)
      return fail(line, 'expected an example: messages, or prompt and completion, or input with two outputs');
    const [first = format] = formats;
    if (format !== first) fail(line, `expected the format of the first example, ${first}, not ${format}`);
    formats.add(format);
    for (const fault of findExampleIssues(value as Record<string, unknown>, format)) tell(line, fault); // Only objects have a format.
  }

  return {
    get errorCount() {
      return counts.errors;
    },
    measure,
    tooLong(line: number) {
      counts.examples++;
      fail(line, `expected a line of at most ${MAX_LINE_BYTES} bytes`);
    },
    line(line: number, whole: Buffer, length: number) {
      const hasMark = line === 1 && whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf;
      if (hasMark) tell(line, { severity: 'warning', message: 'expected no byte order mark' });
      const content = whole.subarray(hasMark ? 3 : 0, whole.at(-1) === CR ? -1 : undefined);
      if (content.length === 0)
        return tell(line, { severity: 'warning', message: 'expected an example, not an empty line' });
      measure(hasMark ? length - 1 : length);
      counts.examples++;
      if (seen.testAndAdd(content)) counts.duplicates++;
      example(line, content);
    },
    report(hasBytes: boolean): TrainingReport {
      if (!hasBytes) fail(null, 'expected examples, not an empty file');
      else if (counts.examples < MIN_EXAMPLES) {
        tell(null, {
          severity: 'warning',
          message: `expected at least ${MIN_EXAMPLES} examples, which OpenAI needs`,
        });
      }
      const [format = null] = formats.size === 1 ? formats : [];
      return {
        format,
        exampleCount: counts.examples,
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

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parsed(content: Buffer): { value: unknown } | { fault: string } {
  if (createJsonTokenCounter().add(content) > MAX_JSON_TOKENS)
    return { fault: `expected JSON of at most ${MAX_JSON_TOKENS} marks` };
  let text: string;
  try {
    text = utf8.decode(content);
  } catch {
    return { fault: 'expected UTF-8' };
  }
  try {
    const value: unknown = JSON.parse(text);
    return isWithinDepth(value) ? { value } : { fault: 'expected JSON that is not nested so deep' };
  } catch {
    return { fault: 'expected JSON' };
  }
}

/** Checks all of a content. */
export async function validateTrainingData(chunks: AsyncIterable<Uint8Array>): Promise<TrainingReport> {
  const check = createTrainingDataValidator();
  for await (const chunk of chunks) check.add(chunk);
  return check.report();
}
