import { UpstreamError } from '../errors/upstream-error.ts';
import type { Deadline } from '../resilience/deadline.ts';

/** The content of a file as the upstream sends it. Each header is valid, or null. */
export interface ContentResponse {
  /** 206: the requested range. 416: the content does not have that range, and there are no chunks. */
  readonly status: 200 | 206 | 416;
  /** The number of bytes that follow; null when the upstream does not announce it. */
  readonly length: number | null;
  /** The header `content-range` of 206 and 416, such as `bytes 0-99/1234`. */
  readonly contentRange: string | null;
  readonly acceptsRanges: boolean;
  readonly chunks: AsyncIterable<Uint8Array>;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Parses status and headers of a content. Throws UPSTREAM_INVALID_RESPONSE for a part that was not requested or does not say
 * which one it is, and for a compressed content, which was not requested.
 */
export function readContentHead(
  upstreamStatus: number,
  headers: Headers,
  isRangeRequested: boolean,
): Omit<ContentResponse, 'chunks'> {
  const invalid = (detail: string) => new UpstreamError('UPSTREAM_INVALID_RESPONSE', detail, { upstreamStatus });
  const status = upstreamStatus === 206 || upstreamStatus === 416 ? upstreamStatus : 200;
  const contentRange = textIn(headers, 'content-range', status === 416 ? UNSATISFIED_RANGE : PART_RANGE);
  if (status === 206 && !isRangeRequested) throw invalid('status: is 206, but no range was requested');
  if (status === 206 && contentRange === null)
    throw invalid('content-range: is missing or invalid; expected one range');
  if (!/^identity$/i.test(String(headers['content-encoding'] ?? 'identity')))
    throw invalid('content-encoding: is not identity, but no compression was requested');
  const length = textIn(headers, 'content-length', DECIMAL);
  return {
    status,
    length: length === null ? null : Number(length),
    contentRange: status === 200 ? null : contentRange,
    acceptsRanges: status === 206 || textIn(headers, 'accept-ranges', BYTES) !== null,
  };
}

const DECIMAL = /^\d{1,15}$/;
const BYTES = /^bytes$/i;
// RFC 9110 14.4.
const PART_RANGE = /^bytes \d{1,15}-\d{1,15}\/(?:\d{1,15}|\*)$/;
const UNSATISFIED_RANGE = /^bytes \*\/\d{1,15}$/;

function textIn(headers: Headers, name: string, pattern: RegExp): string | null {
  const value = headers[name];
  return typeof value === 'string' && pattern.test(value) ? value : null;
}

/** Yields the chunks. The deadline restarts with each, and does not run while the reader works. */
export async function* pauseBetween(
  chunks: AsyncIterable<Uint8Array>,
  deadline: Deadline,
): AsyncGenerator<Uint8Array, void, undefined> {
  deadline.restart();
  for await (const chunk of chunks) {
    deadline.pause();
    yield chunk;
    deadline.restart();
  }
}
