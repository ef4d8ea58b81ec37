import type { Credential } from '../credentials/credential.ts';
import { redactKey, redactTruncatedKey } from '../credentials/redaction.ts';
import type { FileObject } from '../resources/file.ts';
import { decodeIfBase64 } from './base64.ts';

/** The beginning of a file's content. */
export interface Preview {
  readonly text: string;
  /** Whether the file has more. */
  readonly isTruncated: boolean;
}

/**
 * Reads no more of a content than its first `maxBytes`, as UTF-8: a character that they cut is left out, and what is no
 * UTF-8 shows as U+FFFD. The results of a job are meant to be read, not their base64.
 */
export async function readPreview(
  content: AsyncIterable<Uint8Array>,
  { purpose }: FileObject,
  maxBytes: number,
  credential: Credential,
): Promise<Preview> {
  const chunks = purpose === 'fine-tune-results' ? decodeIfBase64(content) : content;
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    read.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  const isTruncated = length > maxBytes;
  const bytes = Buffer.concat(read).subarray(0, maxBytes);
  const text = new TextDecoder().decode(bytes, { stream: isTruncated });
  return { text: (isTruncated ? redactTruncatedKey : redactKey)(text, credential), isTruncated };
}
