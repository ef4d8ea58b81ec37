/** A response that is not JSON: the content of a file, with the name to save it under. */
export class Download {
  readonly filename: string;
  /** Size of the content. */
  readonly bytes: number;
  readonly chunks: Iterable<string> | AsyncIterable<Uint8Array>;

  constructor(filename: string, bytes: number, chunks: Iterable<string> | AsyncIterable<Uint8Array>) {
    this.filename = filename;
    this.bytes = bytes;
    this.chunks = chunks;
  }

  get headers(): Record<string, string> {
    return {
      'content-type': 'application/octet-stream',
      'content-length': String(this.bytes),
      'content-disposition': contentDisposition(this.filename),
    };
  }
}

/**
 * The value of the header `content-disposition` for any file name (RFC 6266). Escapes quotes and backslashes. Replaces
 * characters that are not visible ASCII, so that a name cannot inject a header; `filename*` has them in UTF-8.
 */
export function contentDisposition(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]/g, '_');
  const quoted = `attachment; filename="${ascii.replace(/["\\]/g, '\\$&')}"`;
  if (ascii === filename) return quoted;
  const escaped = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return `${quoted}; filename*=UTF-8''${escaped}`;
}
