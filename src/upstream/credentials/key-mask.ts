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
  const keys = secretsOf(credential).map((key) => Buffer.from(key));
  let rest: Uint8Array = new Uint8Array(); // The end of the last chunk, where a key may begin.
  for await (const chunk of chunks) {
    const bytes = mask(rest.length === 0 ? bufferOf(chunk) : Buffer.concat([rest, chunk]), keys);
    const end = bytes.length - Math.max(0, ...keys.map((key) => beginningAtEnd(bytes, key)));
    rest = bytes.subarray(end);
    if (end > 0) yield bytes.subarray(0, end);
  }
  if (rest.length > 0) yield rest;
}

/** Returns the bytes with all keys masked; a copy if there are any. */
function mask(bytes: Buffer, keys: readonly Buffer[]): Buffer {
  let masked = bytes;
  for (const key of keys) {
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + key.length)) {
      if (masked === bytes) masked = Buffer.from(bytes);
      masked.fill(ASTERISK, at, at + key.length);
    }
  }
  return masked;
}

/** Returns how many of the last bytes are the beginning of the key. */
function beginningAtEnd(bytes: Buffer, key: Buffer): number {
  for (let length = Math.min(key.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(key.subarray(0, length))) return length;
  }
  return 0;
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);
