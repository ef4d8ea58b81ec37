import type { Readable } from 'node:stream';

/** Most bytes of a body that is read whole. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** A chunk of one byte takes a hundred: so many are made into one. */
const MOST_CHUNKS = 2000;

/**
 * Reads a body of at most 32 MiB as UTF-8 text. Rejects past them, whether its length was announced or not, and when it
 * is cut off.
 */
export function readText(body: Readable, announcedLength: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    const refuse = () => {
      reject(new Error(`a body of more than ${MAX_BODY_BYTES} bytes`));
      body.destroy();
    };
    body.on('error', reject);
    if (Number(announcedLength) > MAX_BODY_BYTES) return refuse();
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (chunks.length >= MOST_CHUNKS) chunks = [Buffer.concat(chunks, length)];
      if (length > MAX_BODY_BYTES) refuse();
    });
    body.on('end', () => resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length))?.toString() ?? ''));
  });
}
