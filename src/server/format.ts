import type { Rendered } from './rendering.ts';

/** How results follow one another in the body of an HTTP answer. */
export interface Format {
  /** For the log. */
  readonly transport: 'sse' | 'multipart';
  readonly contentType: string;
  /** What the body begins with. */
  readonly opening: string;
  /** What says nothing but that we are still there. */
  readonly beat: string;
  /** What says that nothing more comes. */
  readonly end: string;
  /** A result, written as JSON. */
  next(json: string): string;
  /** The errors, written as JSON, for which nothing more can come. */
  fatal(errors: string): string;
}

/** Formats, each with what it has made of results: the many who get the same one share its bytes. */
const framed = new WeakMap<Format, WeakMap<Rendered, Buffer>>();

export function frameOf(format: Format, rendered: Rendered): Buffer {
  const frames = framed.get(format) ?? new WeakMap<Rendered, Buffer>();
  framed.set(format, frames);
  const known = frames.get(rendered);
  if (known) return known;
  const frame = Buffer.from(format.next(rendered.json));
  frames.set(rendered, frame);
  return frame;
}

/** The whole body when there is one result. */
export function bodyOf(format: Format, json: string): string {
  return format.opening + format.next(json) + format.end;
}
