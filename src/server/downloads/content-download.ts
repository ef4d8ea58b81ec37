import type { ContentResponse } from '../../upstream/http/content-response.ts';
import type { FileObject } from '../../upstream/resources/file.ts';
import { HttpError } from '../http/http-error.ts';
import { quoteInput } from '../http/quote-input.ts';
import { requestedRange } from './byte-range.ts';
import { type Download, downloadHeaders } from './download-reply.ts';
import type { DownloadRequest } from './download-request.ts';
import { notFound } from './not-found.ts';

/** Points for the file and its content: one upstream call each. */
const CALL_POINTS = 2;
/** Bytes of a content that cost one point. */
const BYTES_PER_POINT = 1024 * 1024;

/**
 * Opens the content of a file. Text in base64 of a results file is decoded, unless `raw=1` is in the query. Throws UpstreamError,
 * or an HttpError: 400, 404, 416, 429.
 */
export async function openContent(id: string | null, download: DownloadRequest): Promise<Download> {
  const { request, search, context, budget } = download;
  const isRaw = readRaw(search);
  await budget.spend(CALL_POINTS);
  const file = id === null ? null : await context.loaders.file(id);
  if (file === null) throw notFound('File', id, 'file-abc123');
  const isDecoded = file.purpose === 'fine-tune-results' && !isRaw;
  const range = isDecoded ? null : requestedRange(request);
  const payFor = (bytes: number | null) =>
    budget.spend(request.method === 'GET' ? Math.floor((bytes ?? 0) / BYTES_PER_POINT) : 0);
  const wholeBytes = range === null ? file.bytes : null;
  if (wholeBytes !== null) await payFor(wholeBytes); // Before the call: it is not made when the points do not suffice.
  const content = await startRead(download, { fileId: file.id, range, isDecoded });
  if (content === null) throw notFound('Content of the file', file.id, 'file-abc123');
  try {
    if (content.status === 416) throw unsatisfiable(content);
    if (wholeBytes === null) await payFor(content.length);
  } catch (error) {
    content.close();
    throw error;
  }
  const { status, chunks, close } = content;
  return { status, headers: headersOf(file, content, isDecoded), chunks, close };
}

function readRaw(search: string): boolean {
  const raw = new URLSearchParams(search).get('raw');
  if (raw === null || raw === '1') return raw === '1';
  throw new HttpError(400, `raw: is ${quoteInput(raw)}; expected 1, or no such parameter.`, {}, 'BAD_USER_INPUT');
}

type OpenContent = ContentResponse & Pick<Download, 'close'>;

/** Starts to read a content. Resolves when its headers have arrived; null when there is none. The reader must close it. */
async function startRead(
  { context: { loaders } }: DownloadRequest,
  request: Parameters<typeof loaders.download>[0],
): Promise<OpenContent | null> {
  const opened = Promise.withResolvers<OpenContent | null>();
  const reading = Promise.withResolvers<void>();
  const failure = loaders
    .download(request, async (content) => {
      opened.resolve({ ...content, chunks: chunksOf(content), close: reading.resolve });
      await reading.promise;
    })
    .then(
      () => opened.resolve(null),
      (error: unknown) => {
        opened.reject(error);
        return error;
      },
    );

  async function* chunksOf({ chunks }: ContentResponse) {
    try {
      yield* chunks;
    } catch (error) {
      reading.reject(error);
      throw (await failure) ?? error; // With the code of the failed call.
    }
  }

  return await opened.promise;
}

function headersOf(file: FileObject, content: ContentResponse, isDecoded: boolean): Record<string, string> {
  const { length, contentRange, acceptsRanges } = content;
  const type = isDecoded ? 'text/csv; charset=utf-8' : 'application/octet-stream';
  return {
    ...downloadHeaders(type, file.filename ?? file.id),
    ...(length !== null && { 'content-length': String(length) }),
    ...(contentRange !== null && { 'content-range': contentRange }),
    ...(acceptsRanges && !isDecoded && { 'accept-ranges': 'bytes' }),
  };
}

function unsatisfiable({ contentRange }: ContentResponse): HttpError {
  const message = 'Range: is beyond the end of the content; expected a range within it, such as bytes=0-99.';
  return new HttpError(416, message, contentRange === null ? {} : { 'content-range': contentRange });
}
