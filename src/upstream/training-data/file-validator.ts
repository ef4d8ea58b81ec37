import { createExampleTokens, type TokenCounting, type TokenEstimate } from './example-tokens.ts';
import { createReportBuilder, type TrainingReport } from './report-builder.ts';

/** The report on a whole file, with the estimate of its tokens. */
export interface CountedReport extends TrainingReport {
  /** Null when it was not wanted, and when the file has errors. */
  readonly estimatedTokens: TokenEstimate | null;
}

export interface TrainingDataValidator {
  /** Validates the next bytes. Never throws. */
  add(chunk: Uint8Array): void;
  /** The number of errors so far. A file with an error cannot be used. */
  readonly errorCount: number;
  /** Ends the file after its last byte, and returns the report. */
  report(): TrainingReport;
  /** Returns the report on the lines so far. The current line may be half a line, so it is not validated. */
  partialReport(): TrainingReport;
  /** Resolves when the next bytes may be added. */
  ready(): Promise<void>;
  /** Estimates the tokens of the whole file, after `report`; null when it has errors. Rejects when the count fails. */
  estimateTokens(): Promise<TokenEstimate | null>;
}

/** Maximum bytes of a line that is parsed. A longer line is only measured, which bounds the memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

const [LF, CR] = [0x0a, 0x0d];
const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;

/**
 * Creates a validator of JSONL. It buffers at most one line, and the report does not depend on chunk boundaries. Counts no
 * tokens without `counting`.
 */
export function createTrainingDataValidator(counting: TokenCounting | null = null): TrainingDataValidator {
  const tokens = counting && createExampleTokens(counting);
  const builder = createReportBuilder(tokens?.add);
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
    } else if (bytes <= MAX_LINE_BYTES) builder.addTooLongLine(line, MAX_LINE_BYTES); // Reported at once: the line end can be far away.
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
      builder.endFile(hasBytes);
      return builder.report();
    },
    partialReport() {
      if (bytes > MAX_LINE_BYTES) builder.measure(characters);
      return builder.report();
    },
    async ready() {
      await tokens?.ready();
    },
    async estimateTokens() {
      const { format, errorCount } = builder.report();
      return tokens === null || format === null || errorCount > 0 ? null : await tokens.estimate();
    },
  };
}

/** Validates a whole file. Errors of `chunks` are passed on. Rejects too when the tokens cannot be counted. */
export async function validateTrainingData(
  chunks: AsyncIterable<Uint8Array>,
  counting: TokenCounting | null = null,
): Promise<CountedReport> {
  const validator = createTrainingDataValidator(counting);
  for await (const chunk of chunks) {
    validator.add(chunk);
    if (counting !== null) await validator.ready();
  }
  return { ...validator.report(), estimatedTokens: await validator.estimateTokens() };
}
