import type { Frame, RenderedEvent } from '../subscriptions/rendering.ts';

/** The encoding of a sequence of results in the body of an HTTP response. */
export interface StreamFormat {
  /** For the log. */
  readonly transport: 'sse' | 'multipart';
  readonly contentType: string;
  /** The start of the body. */
  readonly opening: string;
  /** A message without content, which keeps the connection alive. */
  readonly heartbeat: string;
  /** The end of the body. */
  readonly end: string;
  /** Encodes a result, given as JSON. */
  next(json: string): string;
  /** Encodes the errors that end the stream, given as JSON. */
  fatal(errors: string): string;
}

/** The headers of a body in this format. No proxy may compress it, because that delays events (RFC 9111 5.2.2.6). */
export function streamHeaders({ contentType }: StreamFormat): Readonly<Record<string, string>> {
  return { 'content-type': contentType, 'cache-control': 'no-store, no-transform', vary: 'accept' };
}

/** The bytes of an event in this format. All subscribers of the event share them. */
export function frameOf(format: StreamFormat, { json, frames }: RenderedEvent): Frame {
  const frame = frames.get(format) ?? createFrame(format.next(json));
  frames.set(format, frame);
  return frame;
}

function createFrame(text: string): Frame {
  const size = Buffer.byteLength(text);
  const start = `${size.toString(16)}\r\n`;
  const chunk = Buffer.from(`${start}${text}\r\n`);
  return { chunk, body: chunk.subarray(start.length, start.length + size) };
}

/** The whole body of a response with a single result. */
export function bodyOf(format: StreamFormat, json: string): string {
  return format.opening + format.next(json) + format.end;
}
