/** An answer that is no JSON: the content of a file, to be saved under a name. */
export class Download {
  readonly filename: string;
  /** The exact number of bytes. */
  readonly bytes: number;
  readonly pieces: Iterable<string> | AsyncIterable<Uint8Array>;

  constructor(filename: string, bytes: number, pieces: Iterable<string> | AsyncIterable<Uint8Array>) {
    this.filename = filename;
    this.bytes = bytes;
    this.pieces = pieces;
  }

  get headers(): Record<string, string> {
    return {
      'content-type': 'application/octet-stream',
      'content-length': String(this.bytes),
      'content-disposition': attachment(this.filename),
    };
  }
}

/**
 * The header for any name (RFC 6266): quotes and backslashes escaped, everything that is not visible ASCII replaced, so
 * that no name can begin another header, and beside it the true name in UTF-8 where that differs.
 */
export function attachment(filename: string): string {
  const ascii = filename.replace(/[^\x20-\x7e]/g, '_');
  const quoted = `attachment; filename="${ascii.replace(/["\\]/g, '\\$&')}"`;
  if (ascii === filename) return quoted;
  const escaped = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16)}`,
  );
  return `${quoted}; filename*=UTF-8''${escaped}`;
}
