import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';

export type Encoding = 'zstd' | 'br' | 'gzip';

/** The best quality of Brotli is for files that are compressed once: it takes 50 times as long. */
const BROTLI_OPTIONS = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

// Asynchronous: the threads of libuv compress, so that a large response does not delay the others.
const [gzipped, brotli, zstd] = [promisify(gzip), promisify(brotliCompress), promisify(zstdCompress)];
const compressors: Readonly<Record<Encoding, (body: Buffer) => Promise<Buffer>>> = {
  zstd: (body) => zstd(body),
  br: (body) => brotli(body, BROTLI_OPTIONS),
  gzip: (body) => gzipped(body),
};

/** The compressed forms of one body. Each is created once, for all clients that get the body. */
export class CompressedForms {
  /** Called with the bytes of each form. */
  onCreate: ((bytes: number) => void) | null = null;
  readonly #forms = new Map<Encoding, Buffer | Promise<Buffer>>();

  get(encoding: Encoding): Buffer | Promise<Buffer> | undefined {
    return this.#forms.get(encoding);
  }

  /** Creates a form. A failure is not stored. */
  async create(encoding: Encoding, body: Buffer): Promise<Buffer> {
    const created = compressors[encoding](body).then(ownBytes);
    this.#forms.set(encoding, created);
    try {
      const form = await created;
      this.#forms.set(encoding, form);
      this.onCreate?.(form.length);
      return form;
    } catch (error) {
      this.#forms.delete(encoding);
      throw error;
    }
  }
}

/** Copies a body that is a small part of a larger buffer, such as Node's pool, which it would retain. */
export function ownBytes(body: Buffer): Buffer {
  if (body.buffer.byteLength <= 2 * body.length) return body;
  const copy = Buffer.allocUnsafeSlow(body.length);
  body.copy(copy);
  return copy;
}
