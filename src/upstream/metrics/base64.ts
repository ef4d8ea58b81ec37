/** Bytes at the start of a file that decide whether it is base64. */
const HEAD_BYTES = 1024;
/** Minimum characters to detect base64: many words of four letters are valid base64 too. */
const MIN_CHARACTERS = 8;
/** A character outside of base64, or any character after the padding. */
const INVALID_CHARACTER = /[^A-Za-z0-9+/=]|=[^=]/;

/**
 * Yields the bytes of a file, decoded when they are text in base64, as in OpenAI's results files (docs/upstream.md: Results
 * file). The base64 may contain line breaks and lack its padding.
 *
 * Throws an Error `results: …` when a file that starts as base64 contains other characters. Errors of `chunks` are passed
 * on. Stopping early also stops `chunks`.
 */
export async function* decodeIfBase64(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Uint8Array = new Uint8Array();
  let decoder: Decoder | null = null;
  for await (const chunk of chunks) {
    if (decoder !== null) {
      yield decoder.decode(chunk);
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < HEAD_BYTES) continue;
    decoder = createDecoder(head);
    yield decoder.decode(head);
  }
  if (decoder === null) {
    decoder = createDecoder(head);
    yield decoder.decode(head);
  }
  yield decoder.end();
}

interface Decoder {
  decode(chunk: Uint8Array): Uint8Array;
  /** Returns the bytes of the last, incomplete group of characters. */
  end(): Uint8Array;
}

function createDecoder(head: Uint8Array): Decoder {
  const isBase64 = isTextInBase64(head.subarray(0, HEAD_BYTES));
  return isBase64 ? createBase64Decoder() : { decode: (chunk) => chunk, end: () => new Uint8Array() };
}

// Plain text can consist of base64 characters only, such as a column of numbers. It then decodes to bytes that are not text.
function isTextInBase64(head: Uint8Array): boolean {
  const characters = withoutLineBreaks(head);
  if (characters.length < MIN_CHARACTERS || INVALID_CHARACTER.test(characters)) return false;
  const bytes = Buffer.from(characters.slice(0, completeLength(characters)), 'base64');
  try {
    // `stream`, as the head may end within a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return !/[^\P{Cc}\t\r\n]/u.test(text);
  } catch {
    return false;
  }
}

function createBase64Decoder(): Decoder {
  let rest = ''; // Up to three characters of an incomplete group of four.
  let hasEnded = false;
  return {
    decode(chunk) {
      const characters = rest + withoutLineBreaks(chunk);
      if (characters !== '' && (hasEnded || INVALID_CHARACTER.test(characters))) {
        throw new Error('results: is base64 with an invalid character; expected base64 throughout');
      }
      const end = completeLength(characters);
      rest = characters.slice(end);
      hasEnded = characters[end - 1] === '=' || hasEnded;
      return Buffer.from(characters.slice(0, end), 'base64');
    },
    end: () => Buffer.from(rest, 'base64'),
  };
}

/** The number of characters in complete groups of four. */
const completeLength = ({ length }: string) => length - (length % 4);

function withoutLineBreaks(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\r\n]+/g, '');
}
