import type { TokenCounting, TokenEstimate } from './example-tokens.ts';
import { createTrainingDataValidator } from './file-validator.ts';
import type { TrainingReport } from './report-builder.ts';

/** The report on a training file that may not have been read to its end. */
export interface TrainingFileReport extends TrainingReport {
  readonly isComplete: boolean;
  /** Null when it was not wanted, and when the file has errors; an error when the tokens could not be counted. */
  readonly estimatedTokens: TokenEstimate | Error | null;
}

/** An upload that is validated while it streams. */
export interface ValidatedStream {
  /** The same bytes. Throws InvalidTrainingData in place of the first chunk that contains an error. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Returns the report. Call it after `content` has ended or thrown: it reads up to 16 MiB more, to find more errors. */
  report(): Promise<TrainingFileReport>;
}

/** Thrown by content that is not valid training data, so that no file is created. */
export class InvalidTrainingData extends Error {
  override readonly name = 'InvalidTrainingData';
}

/** Maximum bytes that are read after the first error. */
const MAX_BYTES_AFTER_ERROR = 16 * 1024 * 1024;

/** Validates training data while it streams. Errors of `input` are passed on. Counts no tokens without `counting`. */
export function validateStream(
  input: AsyncIterable<Uint8Array>,
  counting: TokenCounting | null = null,
  maxBytesAfterError = MAX_BYTES_AFTER_ERROR,
): ValidatedStream {
  const validator = createTrainingDataValidator(counting);
  const source = input[Symbol.asyncIterator](); // Not `for await`: it is read on after `content` has thrown.
  let finalReport: TrainingReport | null = null;

  /** Reads and validates the next chunk. Resolves to null at the end, and then sets the final report. */
  async function readNext(): Promise<Uint8Array | null> {
    const { done, value } = await source.next();
    if (done) finalReport ??= validator.report();
    else validator.add(value);
    if (counting !== null) await validator.ready();
    return done ? null : value;
  }

  async function* content() {
    for (let chunk = await readNext(); chunk !== null; chunk = await readNext()) {
      if (validator.errorCount > 0) throw new InvalidTrainingData();
      yield chunk;
    }
    if (validator.errorCount > 0) throw new InvalidTrainingData();
  }

  return {
    content: content(),
    async report() {
      for (let bytes = 0; finalReport === null && bytes < maxBytesAfterError; ) {
        bytes += (await readNext())?.length ?? 0;
      }
      if (finalReport === null) return { ...validator.partialReport(), isComplete: false, estimatedTokens: null };
      // The file is stored already, so a failed count is an error of the field alone.
      const estimatedTokens = await validator.estimateTokens().catch(toError);
      return { ...finalReport, isComplete: true, estimatedTokens };
    },
  };
}

const toError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));
