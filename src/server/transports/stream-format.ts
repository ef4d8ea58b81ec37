import type { RenderedEvent } from '../subscriptions/event-renderer.ts';

/** How results follow one another in the body of an HTTP answer. */
export interface StreamFormat {
  /** For the log. */
  readonly transport: 'sse' | 'multipart';
  readonly contentType: string;
  /** What the body begins with. */
  readonly opening: string;
  /** What says nothing but that we are still there. */
  readonly heartbeat: string;
  /** What says that nothing more comes. */
  readonly end: string;
  /** A result, written as JSON. */
  next(json: string): string;
  /** The errors, written as JSON, for which nothing more can come. */
  fatal(errors: string): string;
}

/** A result in this format: the many who get the same one share its bytes. */
export function frameOf(format: StreamFormat, { json, frames }: RenderedEvent): Buffer {
  const frame = frames.get(format) ?? Buffer.from(format.next(json));
  frames.set(format, frame);
  return frame;
}

/** The whole body when there is one result. */
export function bodyOf(format: StreamFormat, json: string): string {
  return format.opening + format.next(json) + format.end;
}
