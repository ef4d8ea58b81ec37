import { maskKeys } from '../../upstream/credentials/key-mask.ts';
import type { ContentResponse } from '../../upstream/http/content-response.ts';
import { isValidName } from '../../upstream/http/path.ts';
import { decodeIfBase64 } from '../../upstream/metrics/base64.ts';
import type { MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { type Preview, readPreview } from '../../upstream/metrics/preview.ts';
import { readResults } from '../../upstream/metrics/results.ts';
import { CallClaims } from '../../upstream/resilience/call-claims.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import {
  aboutJobFreshUntil,
  contentFreshUntil,
  type JobEnd,
  type Observation,
  type SequencedObservation,
} from '../cache/freshness.ts';
import type { ReadContext } from '../cache/read-context.ts';
import { createReadThrough, newerRequestWins } from '../cache/read-through.ts';
import type { Access, Scoped } from '../cache/scope.ts';
import { estimateBytes } from '../cache/size-estimate.ts';
import type { ResourceStoreOptions } from '../cache/store-options.ts';

/** Contents of files. A content never changes; null when the file has none. */
export interface ContentStore {
  /** Returns the loss curve in a results file. Throws UpstreamError, or the reason of the context's signal. */
  results(access: Access, fileId: string, end: JobEnd, readContext: ReadContext): Promise<MetricsSeries | null>;
  /** Returns the first bytes as text. Throws UpstreamError, or the reason of the context's signal. */
  preview(access: Access, file: FileObject, maxBytes: number, readContext: ReadContext): Promise<Preview | null>;
  /**
   * Reads a whole content, or a range of it, from the upstream: neither cached nor shared. The response ends when `read` does.
   * Null when the file has none. Throws UpstreamError, or the reason of the context's signal.
   */
  download<T>(
    access: Access,
    request: DownloadRequest,
    read: (content: ContentResponse) => Promise<T>,
    readContext: ReadContext,
  ): Promise<T | null>;
  /** Records that a file was deleted: its loss curve is gone. */
  drop(access: Access, fileId: string): void;
  /** Removes the loss curve of a file that may have been deleted. */
  invalidate(access: Scoped, fileId: string): void;
}

export interface DownloadRequest {
  readonly fileId: string;
  /** A value of the header `range`, such as `bytes=0-99`; null for the whole content. */
  readonly range: string | null;
  /** Whether text in base64 is decoded. Its length is then unknown. */
  readonly isDecoded: boolean;
}

interface PreviewReadParams {
  readonly file: FileObject;
  readonly maxBytes: number;
}

export function createContentStore({ upstream, clock, limits, partition }: ResourceStoreOptions): ContentStore {
  const results = createReadThrough<MetricsSeries | null, SequencedObservation<MetricsSeries | null>, JobEnd>({
    clock,
    kind: 'results',
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
    kind: 'preview',
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
    async download(access, { fileId, range, isDecoded }, read, readContext) {
      const { credential } = access;
      const readMasked = ({ chunks, length, ...head }: ContentResponse) => {
        const decoded = isDecoded ? decodeIfBase64(chunks) : chunks;
        return read({ ...head, length: isDecoded ? null : length, chunks: maskKeys(decoded, credential) });
      };
      const { signal, claimant } = readContext;
      return await upstream.files.download(fileId, range, readMasked, {
        credential,
        signal,
        claims: new CallClaims(claimant),
        onRequest: () => readContext.countCall(),
      });
    },
    async results(access, fileId, end, readContext) {
      if (!isValidName(fileId)) return null;
      return await results.get({ access, name: fileId, params: end, readContext, notBefore: end.endedAt });
    },
    async preview(access, file, maxBytes, readContext) {
      if (!isValidName(file.id)) return null;
      const name = `${maxBytes} ${file.id}`;
      return await previews.get({ access, name, params: { file, maxBytes }, readContext });
    },
  };
}

const hasContent = ({ value }: Observation<unknown>) => value !== null;
