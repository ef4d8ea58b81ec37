import { isValidName } from '../../upstream/http/path.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Preview, readPreview } from '../../upstream/metrics/preview.ts';
import { readResults } from '../../upstream/metrics/results.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  type JobEnd,
  type Observation,
  type SequencedObservation,
  settledFreshUntil,
} from '../cache/freshness.ts';
import { createReadThrough, newerRequestWins, type UpstreamReadOptions } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** What stands in files. A content never changes; null when the file has none. */
export interface ContentStore {
  /** The loss curve in a results file. Throws UpstreamError, or the reason of the caller's signal. */
  results(access: Access, fileId: string, end: JobEnd, readContext: ReadContext): Promise<MetricsSeries | null>;
  /** The first bytes as text. Throws UpstreamError, or the reason of the caller's signal. */
  preview(access: Access, file: FileObject, maxBytes: number, readContext: ReadContext): Promise<Preview | null>;
  /** Takes note that a file was deleted: its loss curve goes with it. */
  drop(access: Access, fileId: string): void;
  /** Takes note that a file may have been deleted. */
  invalidate(access: Access, fileId: string): void;
}

export function createContentStore({ upstream, clock, limits, partition }: ResourceStoreOptions): ContentStore {
  const createKept = <T extends object>(noun: string, estimateBytes: (value: T | null) => number) =>
    createReadThrough<T | null, SequencedObservation<T | null>>({
      clock,
      cache: partition(noun),
      merge: newerRequestWins,
      estimateBytes,
    });
  const results = createKept<MetricsSeries>('results', (series) => series?.sizeInBytes ?? 0);
  const previews = createKept<Preview>('preview', estimateBytes);

  return {
    drop: (access, fileId) => void results.put(access, fileId, null),
    invalidate: results.invalidate,
    async results(access, fileId, end, readContext) {
      if (!isValidName(fileId)) return null;
      const { value } = await results.get({
        access,
        name: fileId,
        readContext,
        freshUntil: (observation) =>
          observation.value
            ? settledFreshUntil(observation.receivedAt, limits)
            : aboutJobFreshUntil(observation, end, limits),
        read: (call) => upstream.files.content(fileId, (chunks) => readResults(chunks, call.credential), call),
        notBefore: end.endedAt,
        isSettled: hasContent,
      });
      return value;
    },
    async preview(access, file, maxBytes, readContext) {
      if (!isValidName(file.id)) return null;
      const read = (call: UpstreamReadOptions) =>
        upstream.files.content(file.id, (chunks) => readPreview(chunks, file, maxBytes, call.credential), call);
      const freshUntil = ({ value, receivedAt }: Observation<Preview | null>) =>
        value ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
      const name = `${maxBytes} ${file.id}`;
      const { value } = await previews.get({ access, name, readContext, freshUntil, read, isSettled: hasContent });
      return value;
    },
  };
}

const hasContent = ({ value }: Observation<unknown>) => value !== null;
