import type { TrainingFormat } from './example-rules.ts';
import { createReportBuilder, type ReportOptions, type TrainingReport } from './report-builder.ts';

// Free of Node: the dashboard checks a file with it too, before the gateway does.

export interface LineValidator {
  /** Validates the next bytes. Never throws. */
  add(chunk: Uint8Array): void;
  /** The number of errors so far. A file with an error cannot be used. */
  readonly errorCount: number;
  /** The number of lines that are validated. */
  readonly lineCount: number;
  /** The format of most examples so far, allowed or not; null without an example. */
  readonly majorityFormat: TrainingFormat | null;
  /** Ends the file after its last byte, and returns the report. */
  report(): TrainingReport;
  /** Returns the report on the lines so far. The current line may be half a line, so it is not validated. */
  partialReport(): TrainingReport;
}

/** Maximum bytes of a line that is parsed. A longer line is only measured, which bounds the memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

const [LF, CR] = [0x0a, 0x0d];
const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;

/** Creates a validator of JSONL. It buffers at most one line, and the report does not depend on chunk boundaries. */
export function createLineValidator(options: ReportOptions = {}): LineValidator {
  const builder = createReportBuilder(options);
  let buffer = new Uint8Array(64 * 1024); // The current line, unless it is too long. Grows as needed.
  let bytes = 0;
  let characters = 0;
  let lastByte = -1;
  let line = 1;
  let hasBytes = false;

  function append(piece: Uint8Array) {
    if (piece.length === 0) return;
    const length = bytes + piece.length;
    if (length <= MAX_LINE_BYTES) {
      if (length > buffer.length) grow(length);
      buffer.set(piece, bytes);
    } else if (bytes <= MAX_LINE_BYTES) builder.addTooLongLine(line, MAX_LINE_BYTES); // Reported at once: the line end can be far away.
    bytes = length;
    lastByte = piece[piece.length - 1] ?? -1;
    for (let index = 0; index < piece.length; index++) if (!isContinuation(piece[index] ?? 0)) characters++;
  }

  function grow(length: number) {
    const larger = new Uint8Array(Math.min(2 * length, MAX_LINE_BYTES));
    larger.set(buffer.subarray(0, bytes));
    buffer = larger;
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
    get lineCount() {
      return line - 1;
    },
    get majorityFormat() {
      return builder.majorityFormat;
    },
    report() {
      if (bytes > 0) endLine();
      builder.endFile(hasBytes);
      return builder.report();
    },
    partialReport() {
      const report = builder.report();
      if (bytes <= MAX_LINE_BYTES) return report;
      const { characterCount, longestExample } = report; // The line is counted as an example already.
      return {
        ...report,
        characterCount: characterCount + characters,
        longestExample: Math.max(longestExample, characters),
      };
    },
  };
}
