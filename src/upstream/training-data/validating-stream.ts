import { createTrainingDataValidator, type TrainingReport } from './file-validator.ts';

/** The report on a training file that may not have been read to its end. */
export interface TrainingFileReport extends TrainingReport {
  readonly isComplete: boolean;
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

/** Validates training data while it streams. Errors of `input` are passed on. */
export function validateStream(input: AsyncIterable<Uint8Array>): ValidatedStream {
  const validator = createTrainingDataValidator();
  const source = input[Symbol.asyncIterator](); // Not `for await`: it is read on after `content` has thrown.
  let finalReport: TrainingReport | null = null;

  /** Reads and validates the next chunk. Resolves to null at the end, and then sets the final report. */
  async function readNext(): Promise<Uint8Array | null> {
    const { done, value } = await source.next();
    if (done) finalReport ??= validator.report();
    else validator.add(value);
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
      for (let bytes = 0; finalReport === null && bytes < MAX_BYTES_AFTER_ERROR; ) {
        bytes += (await readNext())?.length ?? 0;
      }
      return { ...(finalReport ?? validator.report()), isComplete: finalReport !== null };
    },
  };
}
