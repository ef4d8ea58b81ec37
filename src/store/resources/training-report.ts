import { isName } from '../../upstream/http/path.ts';
import { checkTrainingData, type TrainingReport } from '../../upstream/training-data/training-data.ts';
import { createPlaces } from '../cache/fair-semaphore.ts';
import { activeFreshUntil, type Seen, settledFreshUntil } from '../cache/freshness.ts';
import { createReads, later, type ReadCall } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';

/** What stands in training files. Their content never changes; null when a file has none. */
export interface TrainingReportStore {
  /** Reads all of the file, if nobody has lately. Throws UpstreamError, or the reason of the caller's signal. */
  get(access: Access, fileId: string, caller: Caller): Promise<TrainingReport | null>;
  /** Takes note that a file was deleted. */
  drop(access: Access, fileId: string): void;
  /** Takes note that a file may have been deleted. */
  doubt(access: Access, fileId: string): void;
}

/** Each can take 24 MiB and a processor: further ones wait, and scopes take turns. */
const MAX_CONCURRENT = 4;

export function createTrainingReportStore({ upstream, clock, limits, shelf }: PartOptions): TrainingReportStore {
  const places = createPlaces(MAX_CONCURRENT);
  const reports = createReads<TrainingReport | null, Seen<TrainingReport | null>>({
    clock,
    shelf: shelf('training report'),
    choose: later,
    weigh,
  });

  async function check({ scope }: Access, fileId: string, call: ReadCall): Promise<TrainingReport | null> {
    const free = await places.take(scope, call.signal);
    try {
      return await upstream.files.wholeContent(fileId, checkTrainingData, call);
    } finally {
      free();
    }
  }

  return {
    async get(access, fileId, caller) {
      if (!isName(fileId)) return null;
      const { value } = await reports.get({
        access,
        name: fileId,
        caller,
        freshUntil: ({ value, arrivedAt }) =>
          value ? settledFreshUntil(arrivedAt, limits) : activeFreshUntil(arrivedAt, limits),
        read: (call) => check(access, fileId, call),
        isSettled: ({ value }) => value !== null,
      });
      return value;
    },
    drop: (access, fileId) => void reports.put(access, fileId, null),
    doubt: reports.doubt,
  };
}
