import { isValidName } from '../../upstream/http/path.ts';
import { createCallPermits } from '../../upstream/resilience/call-permits.ts';
import { callerTurn, turnsOf } from '../../upstream/resilience/turn-queue.ts';
import type { TokenCounting } from '../../upstream/training-data/example-tokens.ts';
import { type CountedReport, validateTrainingData } from '../../upstream/training-data/file-validator.ts';
import type { FlightCall } from '../cache/flight.ts';
import { contentFreshUntil, type SequencedObservation } from '../cache/freshness.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { createReadThrough, newerRequestWins } from '../cache/read-through.ts';
import type { Access, Scoped } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Validation reports of training files. A file's content never changes; null when it has none. */
export interface TrainingReportStore {
  /**
   * Reads and validates the whole file unless cached. Estimates its tokens too unless `tokenizer` is null. Throws
   * UpstreamError, or the reason of the context's signal.
   */
  get(
    access: Access,
    fileId: string,
    tokenizer: ReportTokenizer,
    readContext: ReadContext,
  ): Promise<CountedReport | null>;
  /** Records that a file was deleted. */
  drop(access: Access, fileId: string): void;
  /** Removes the report of a file that may have been deleted. */
  invalidate(access: Scoped, fileId: string): void;
}

/** The tokenizer of the estimate in a report; null for a report without one. */
export type ReportTokenizer = TokenCounting['tokenizer'] | null;

/** Each has a report of its own. */
const TOKENIZERS: readonly ReportTokenizer[] = [null, 'byFormat', 'o200k_base', 'cl100k_base'];

/** Maximum concurrent validations: each can take 24 MiB and one core. Callers take turns. */
const MAX_CONCURRENT = 4;

export function createTrainingReportStore({
  upstream,
  clock,
  limits,
  partition,
}: ResourceStoreOptions): TrainingReportStore {
  const permits = createCallPermits(MAX_CONCURRENT);

  async function validate({ fileId, tokenizer }: ReportParams, call: FlightCall): Promise<CountedReport | null> {
    const counting = tokenizer && { counter: upstream.tokens, tokenizer };
    const release = await permits.acquire(turnsOf(call.claims, callerTurn), call.signal);
    try {
      return await upstream.files.wholeContent(fileId, (chunks) => validateTrainingData(chunks, counting), call);
    } finally {
      release();
    }
  }

  const reports = createReadThrough<CountedReport | null, SequencedObservation<CountedReport | null>, ReportParams>({
    clock,
    kind: 'training_report',
    cache: partition('training report'),
    read: ({ params }, call) => validate(params, call),
    freshUntil: (observation) => contentFreshUntil(observation, limits),
    isSettled: ({ value }) => value !== null,
    merge: newerRequestWins,
    estimateBytes,
  });

  return {
    async get(access, fileId, tokenizer, readContext) {
      if (!isValidName(fileId)) return null;
      const params = { fileId, tokenizer };
      return await reports.get({ access, name: nameOf(params), params, readContext });
    },
    drop(access, fileId) {
      for (const tokenizer of TOKENIZERS) reports.put(access, nameOf({ fileId, tokenizer }), null);
    },
    invalidate(access, fileId) {
      for (const tokenizer of TOKENIZERS) reports.invalidate(access, nameOf({ fileId, tokenizer }));
    },
  };
}

interface ReportParams {
  readonly fileId: string;
  readonly tokenizer: ReportTokenizer;
}

const nameOf = ({ fileId, tokenizer }: ReportParams) => (tokenizer === null ? fileId : `${tokenizer} ${fileId}`);
