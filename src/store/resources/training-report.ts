import { isValidName } from '../../upstream/http/path.ts';
import { createCallPermits } from '../../upstream/resilience/call-permits.ts';
import { callerTurn, turnsOf } from '../../upstream/resilience/turn-queue.ts';
import { validateTrainingData } from '../../upstream/training-data/file-validator.ts';
import type { TrainingReport } from '../../upstream/training-data/report-builder.ts';
import { contentFreshUntil, type SequencedObservation } from '../cache/freshness.ts';
import { createReadThrough, newerRequestWins, type UpstreamReadOptions } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Validation reports of training files. A file's content never changes; null when it has none. */
export interface TrainingReportStore {
  /** Reads and validates the whole file unless cached. Throws UpstreamError, or the reason of the context's signal. */
  get(access: Access, fileId: string, readContext: ReadContext): Promise<TrainingReport | null>;
  /** Records that a file was deleted. */
  drop(access: Access, fileId: string): void;
  /** Removes the report of a file that may have been deleted. */
  invalidate(access: Access, fileId: string): void;
}

/** Maximum concurrent validations: each can take 24 MiB and one core. Callers take turns. */
const MAX_CONCURRENT = 4;

export function createTrainingReportStore({
  upstream,
  clock,
  limits,
  partition,
}: ResourceStoreOptions): TrainingReportStore {
  const permits = createCallPermits(MAX_CONCURRENT);

  async function validate(fileId: string, call: UpstreamReadOptions): Promise<TrainingReport | null> {
    const release = await permits.acquire(turnsOf(call.claims, callerTurn), call.signal);
    try {
      return await upstream.files.wholeContent(fileId, validateTrainingData, call);
    } finally {
      release();
    }
  }

  const reports = createReadThrough<TrainingReport | null, SequencedObservation<TrainingReport | null>, null>({
    clock,
    cache: partition('training report'),
    read: ({ name: fileId }, call) => validate(fileId, call),
    freshUntil: (observation) => contentFreshUntil(observation, limits),
    isSettled: ({ value }) => value !== null,
    merge: newerRequestWins,
    estimateBytes,
  });

  return {
    async get(access, fileId, readContext) {
      if (!isValidName(fileId)) return null;
      const { value } = await reports.get({ access, name: fileId, params: null, readContext });
      return value;
    },
    drop: (access, fileId) => void reports.put(access, fileId, null),
    invalidate: reports.invalidate,
  };
}
