import { createContentHashSet } from './content-hash-set.ts';
import { createExampleTokens, type TokenCounting, type TokenEstimate } from './example-tokens.ts';
import { createLineValidator, type LineValidator } from './line-validator.ts';
import type { TrainingReport } from './report-builder.ts';

/** The report on a whole file, with the estimate of its tokens. */
export interface CountedReport extends TrainingReport {
  /** Null when it was not wanted, and when the file has errors. */
  readonly estimatedTokens: TokenEstimate | null;
}

export interface TrainingDataValidator extends Pick<LineValidator, 'add' | 'errorCount' | 'report' | 'partialReport'> {
  /** Resolves when the next bytes may be added. */
  ready(): Promise<void>;
  /** Estimates the tokens of the whole file, after `report`; null when it has errors. Rejects when the count fails. */
  estimateTokens(): Promise<TokenEstimate | null>;
}

/** Maximum number of hashes of distinct examples: 16 MiB. */
const MAX_HASHES = 1_000_000;

/** Creates a validator of JSONL in the format of most of its examples. Counts no tokens without `counting`. */
export function createTrainingDataValidator(counting: TokenCounting | null = null): TrainingDataValidator {
  const tokens = counting && createExampleTokens(counting);
  const contentHashes = createContentHashSet(MAX_HASHES);
  const lines = createLineValidator({ isDuplicate: contentHashes.testAndAdd, onExample: tokens?.add });
  let ended: TrainingReport | null = null;
  return {
    add: lines.add,
    get errorCount() {
      return lines.errorCount;
    },
    report() {
      ended = lines.report();
      return ended;
    },
    partialReport: lines.partialReport,
    async ready() {
      await tokens?.ready();
    },
    async estimateTokens() {
      const isCounted = ended !== null && ended.format !== null && ended.errorCount === 0;
      return tokens === null || !isCounted ? null : await tokens.estimate();
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
