import { isName } from '../../upstream/http/path.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Preview, readPreview } from '../../upstream/metrics/preview.ts';
import { readResults } from '../../upstream/metrics/results.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import {
  aboutJobFreshUntil,
  activeFreshUntil,
  type JobEnd,
  type Seen,
  type Sight,
  settledFreshUntil,
} from '../cache/freshness.ts';
import { createReads, later, type ReadCall } from '../cache/read-through.ts';
import type { Access } from '../cache/scope.ts';
import type { Caller } from '../cache/single-flight.ts';
import { weigh } from '../cache/size-estimate.ts';
import type { PartOptions } from '../cache/store-options.ts';

/** What stands in files. A content never changes; null when the file has none. */
export interface ContentStore {
  /** The loss curve in a results file. Throws UpstreamError, or the reason of the caller's signal. */
  results(access: Access, fileId: string, end: JobEnd, caller: Caller): Promise<MetricsSeries | null>;
  /** The first bytes as text. Throws UpstreamError, or the reason of the caller's signal. */
  preview(access: Access, file: FileObject, maxBytes: number, caller: Caller): Promise<Preview | null>;
  /** Takes note that a file was deleted: its loss curve goes with it. */
  drop(access: Access, fileId: string): void;
  /** Takes note that a file may have been deleted. */
  doubt(access: Access, fileId: string): void;
}

export function createContentStore({ upstream, clock, limits, shelf }: PartOptions): ContentStore {
  const createKept = <T extends object>(noun: string, weigh: (value: T | null) => number) =>
    createReads<T | null, Seen<T | null>>({ clock, shelf: shelf(noun), choose: later, weigh });
  const results = createKept<MetricsSeries>('results', (series) => series?.weight ?? 0);
  const previews = createKept<Preview>('preview', weigh);

  return {
    drop: (access, fileId) => void results.put(access, fileId, null),
    doubt: results.doubt,
    async results(access, fileId, end, caller) {
      if (!isName(fileId)) return null;
      const { value } = await results.get({
        access,
        name: fileId,
        caller,
        freshUntil: (sight) =>
          sight.value ? settledFreshUntil(sight.arrivedAt, limits) : aboutJobFreshUntil(sight, end, limits),
        read: (call) => upstream.files.content(fileId, (chunks) => readResults(chunks, call.credential), call),
        notBefore: end.endedAt,
        isSettled: hasContent,
      });
      return value;
    },
    async preview(access, file, maxBytes, caller) {
      if (!isName(file.id)) return null;
      const read = (call: ReadCall) =>
        upstream.files.content(file.id, (chunks) => readPreview(chunks, file, maxBytes, call.credential), call);
      const freshUntil = ({ value, arrivedAt }: Sight<Preview | null>) =>
        value ? settledFreshUntil(arrivedAt, limits) : activeFreshUntil(arrivedAt, limits);
      const name = `${maxBytes} ${file.id}`;
      const { value } = await previews.get({ access, name, caller, freshUntil, read, isSettled: hasContent });
      return value;
    },
  };
}

const hasContent = ({ value }: Sight<unknown>) => value !== null;
