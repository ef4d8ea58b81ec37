import type { Credential } from '../credentials/credential.ts';
import { redactKey, redactTruncatedKey } from '../credentials/redaction.ts';
import type { FileObject } from '../resources/file.ts';
import { decodeIfBase64 } from './base64.ts';

/** The first bytes of a file's content, as text. */
export interface Preview {
  readonly text: string;
  /** Whether the content is longer than the text. */
  readonly isTruncated: boolean;
}

/**
 * Reads the first `maxBytes` of a content as UTF-8. Drops a character that is cut off at the end, and replaces invalid bytes
 * by U+FFFD. Decodes the base64 of results files. Redacts the credential.
 */
export async function readPreview(
  content: AsyncIterable<Uint8Array>,
  { purpose }: FileObject,
  maxBytes: number,
  credential: Credential,
): Promise<Preview> {
  const chunks = purpose === 'fine-tune-results' ? decodeIfBase64(content) : content;
  const received: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    received.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  const isTruncated = length > maxBytes;
  const bytes = Buffer.concat(received).subarray(0, maxBytes);
  const text = new TextDecoder().decode(bytes, { stream: isTruncated });
  return { text: (isTruncated ? redactTruncatedKey : redactKey)(text, credential), isTruncated };
}
