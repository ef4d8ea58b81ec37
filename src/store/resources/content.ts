import { isValidName } from '../../upstream/http/path.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Preview, readPreview } from '../../upstream/metrics/preview.ts';
import { readResults } from '../../upstream/metrics/results.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import {
  aboutJobFreshUntil,
  contentFreshUntil,
  type JobEnd,
  type Observation,
  type SequencedObservation,
} from '../cache/freshness.ts';
import { createReadThrough, newerRequestWins } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { ReadContext } from '../cache/single-flight.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Contents of files. A content never changes; null when the file has none. */
export interface ContentStore {
  /** Returns the loss curve in a results file. Throws UpstreamError, or the reason of the context's signal. */
  results(access: Access, fileId: string, end: JobEnd, readContext: ReadContext): Promise<MetricsSeries | null>;
  /** Returns the first bytes as text. Throws UpstreamError, or the reason of the context's signal. */
  preview(access: Access, file: FileObject, maxBytes: number, readContext: ReadContext): Promise<Preview | null>;
  /** Records that a file was deleted: its loss curve is gone. */
  drop(access: Access, fileId: string): void;
  /** Removes the loss curve of a file that may have been deleted. */
  invalidate(access: Access, fileId: string): void;
}

interface PreviewReadParams {
  readonly file: FileObject;
  readonly maxBytes: number;
}

export function createContentStore({ upstream, clock, limits, partition }: ResourceStoreOptions): ContentStore {
  const results = createReadThrough<MetricsSeries | null, SequencedObservation<MetricsSeries | null>, JobEnd>({
    clock,
    cache: partition('results'),
    read: ({ name: fileId }, call) =>
      upstream.files.content(fileId, (chunks) => readResults(chunks, call.credential), call),
    freshUntil: (observation, { params: end }) =>
      observation.value === null
        ? aboutJobFreshUntil(observation, end, limits)
        : contentFreshUntil(observation, limits),
    isSettled: hasContent,
    merge: newerRequestWins,
    estimateBytes: (series) => series?.sizeInBytes ?? 0,
  });
  const previews = createReadThrough<Preview | null, SequencedObservation<Preview | null>, PreviewReadParams>({
    clock,
    cache: partition('preview'),
    read: ({ params: { file, maxBytes } }, call) =>
      upstream.files.content(file.id, (chunks) => readPreview(chunks, file, maxBytes, call.credential), call),
    freshUntil: (observation) => contentFreshUntil(observation, limits),
    isSettled: hasContent,
    merge: newerRequestWins,
    estimateBytes,
  });

  return {
    drop: (access, fileId) => void results.put(access, fileId, null),
    invalidate: results.invalidate,
    async results(access, fileId, end, readContext) {
      if (!isValidName(fileId)) return null;
      const request = { access, name: fileId, params: end, readContext, notBefore: end.endedAt };
      const { value } = await results.get(request);
      return value;
    },
    async preview(access, file, maxBytes, readContext) {
      if (!isValidName(file.id)) return null;
      const name = `${maxBytes} ${file.id}`;
      const { value } = await previews.get({ access, name, params: { file, maxBytes }, readContext });
      return value;
    },
  };
}

const hasContent = ({ value }: Observation<unknown>) => value !== null;
