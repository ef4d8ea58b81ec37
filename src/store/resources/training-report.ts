import { isValidName } from '../../upstream/http/path.ts';
import { type TrainingReport, validateTrainingData } from '../../upstream/training-data/training-data.ts';
import { createFairSemaphore } from '../cache/fair-semaphore.ts';
import { activeFreshUntil, type SequencedObservation, settledFreshUntil } from '../cache/freshness.ts';
import { createReadThrough, newerRequestWins, type UpstreamReadOptions } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** What stands in training files. Their content never changes; null when a file has none. */
export interface TrainingReportStore {
  /** Reads all of the file, if nobody has lately. Throws UpstreamError, or the reason of the caller's signal. */
  get(access: Access, fileId: string, readContext: ReadContext): Promise<TrainingReport | null>;
  /** Takes note that a file was deleted. */
  drop(access: Access, fileId: string): void;
  /** Takes note that a file may have been deleted. */
  invalidate(access: Access, fileId: string): void;
}

/** Each can take 24 MiB and a processor: further ones wait, and scopes take turns. */
const MAX_CONCURRENT = 4;

export function createTrainingReportStore({
  upstream,
  clock,
  limits,
  partition,
}: ResourceStoreOptions): TrainingReportStore {
  const semaphore = createFairSemaphore(MAX_CONCURRENT);
  const reports = createReadThrough<TrainingReport | null, SequencedObservation<TrainingReport | null>>({
    clock,
    cache: partition('training report'),
    merge: newerRequestWins,
    estimateBytes,
  });

  async function check({ scope }: Access, fileId: string, call: UpstreamReadOptions): Promise<TrainingReport | null> {
    const free = await semaphore.acquire(scope, call.signal);
    try {
      return await upstream.files.wholeContent(fileId, validateTrainingData, call);
    } finally {
      free();
    }
  }

  return {
    async get(access, fileId, readContext) {
      if (!isValidName(fileId)) return null;
      const { value } = await reports.get({
        access,
        name: fileId,
        readContext,
        freshUntil: ({ value, receivedAt }) =>
          value ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits),
        read: (call) => check(access, fileId, call),
        isSettled: ({ value }) => value !== null,
      });
      return value;
    },
    drop: (access, fileId) => void reports.put(access, fileId, null),
    invalidate: reports.invalidate,
  };
}
