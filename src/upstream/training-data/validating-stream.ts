import { createTrainingDataValidator, type TrainingReport } from './training-data.ts';

/** What is known of training data, of which the end may not have been read. */
export interface TrainingFileReport extends TrainingReport {
  readonly isComplete: boolean;
}

/** Content on its way up that is checked as it flows. */
export interface ValidatedStream {
  /** The same bytes. Throws InvalidTrainingData in place of the first chunk with an error in it, or of the end. */
  readonly content: AsyncIterable<Uint8Array>;
  /** What is known of it once it has ended. Of an invalid one more is read first, so that not only its first error is told. */
  report(): Promise<TrainingFileReport>;
}

/** Thrown by content that is no training data: nobody is to make a file of it. */
export class InvalidTrainingData extends Error {
  override readonly name = 'InvalidTrainingData';
}

/** How much is read behind the first error, at most, in search of others. */
const MAX_BYTES_BEHIND = 16 * 1024 * 1024;

export function validateStream(given: AsyncIterable<Uint8Array>): ValidatedStream {
  const check = createTrainingDataValidator();
  const source = given[Symbol.asyncIterator](); // It goes on when the content has thrown.
  let final: TrainingReport | null = null;

  /** Takes the next chunk and checks it; null at the end, with which the check ends. */
  async function take(): Promise<Uint8Array | null> {
    const { done, value } = await source.next();
    if (done) final ??= check.report();
    else check.add(value);
    return done ? null : value;
  }

  async function* content() {
    for (let chunk = await take(); chunk !== null; chunk = await take()) {
      if (check.errorCount > 0) throw new InvalidTrainingData();
      yield chunk;
    }
    if (check.errorCount > 0) throw new InvalidTrainingData();
  }

  return {
    content: content(),
    async report() {
      for (let behind = 0; final === null && behind < MAX_BYTES_BEHIND; ) behind += (await take())?.length ?? 0;
      return { ...(final ?? check.report()), isComplete: final !== null };
    },
  };
}
