import { type Credential, secretsOf } from './credential.ts';

const ASTERISK = 0x2a;

/**
 * Yields the bytes with each key replaced by as many asterisks, also a key that is split between chunks. The length of the
 * content stays the same. Errors of `chunks` are passed on. Stopping early also stops `chunks`.
 */
export async function* maskKeys(
  chunks: AsyncIterable<Uint8Array>,
  credential: Credential,
): AsyncGenerator<Uint8Array, void, undefined> {
  const keys = secretsOf(credential);
  let rest: Uint8Array = new Uint8Array(); // The end of the last chunk, where a key may begin.
  for await (const chunk of chunks) {
    const bytes = mask(rest.length === 0 ? bufferOf(chunk) : Buffer.concat([rest, chunk]), keys);
    const end = bytes.length - Math.max(0, ...keys.map((key) => beginningAtEnd(bytes, key)));
    rest = bytes.subarray(end);
    if (end > 0) yield bytes.subarray(0, end);
  }
  if (rest.length > 0) yield rest;
}

/**
 * Returns the bytes with all keys masked; a copy if there are any. The search in text makes V8 collect garbage in time: buffers
 * are outside of the heap, and 512 MiB of them let the process grow by 59 MiB instead of 20.
 */
function mask(bytes: Buffer, keys: readonly string[]): Buffer {
  const text = bytes.toString('latin1');
  let masked = bytes;
  for (const key of keys) {
    for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + key.length)) {
      if (masked === bytes) masked = Buffer.from(bytes);
      masked.fill(ASTERISK, at, at + key.length);
    }
  }
  return masked;
}

/** Returns how many of the last bytes are the beginning of the key. */
function beginningAtEnd(bytes: Buffer, key: string): number {
  const end = bytes.subarray(Math.max(0, bytes.length - key.length + 1)).toString('latin1');
  for (let start = 0; start < end.length; start++) if (key.startsWith(end.slice(start))) return end.length - start;
  return 0;
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);
