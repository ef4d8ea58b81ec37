/** Bytes of the beginning by which a file is known to be base64 or not. */
const HEAD_BYTES = 1024;
/** Fewer characters are no sign of anything: many a word of four letters is base64 too. */
const MIN_CHARACTERS = 8;
/** A character that base64 has not, or anything behind its padding. */
const FOREIGN = /[^A-Za-z0-9+/=]|=[^=]/;

/**
 * The bytes of a file as they were meant: decoded when they are text in base64, as OpenAI gives the results of a job
 * (docs/upstream.md: Results file), else as they are. Base64 may have line breaks and lack its padding.
 *
 * Throws an Error `results: …` when what began as base64 does not go on as such. Errors of `chunks` pass unchanged, and
 * who stops reading ends `chunks` too.
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
    decoder = decoderFor(head);
    yield decoder.decode(head);
  }
  if (decoder === null) {
    decoder = decoderFor(head);
    yield decoder.decode(head);
  }
  yield decoder.end();
}

interface Decoder {
  decode(chunk: Uint8Array): Uint8Array;
  /** What was held back until there was more. */
  end(): Uint8Array;
}

function decoderFor(head: Uint8Array): Decoder {
  const isEncoded = isTextInBase64(head.subarray(0, HEAD_BYTES));
  return isEncoded ? createDecoder() : { decode: (chunk) => chunk, end: () => new Uint8Array() };
}

// Plain text can consist of base64's characters alone, e.g. a column of numbers. What it decodes to is then no text.
function isTextInBase64(head: Uint8Array): boolean {
  const characters = withoutLineBreaks(head);
  if (characters.length < MIN_CHARACTERS || FOREIGN.test(characters)) return false;
  const bytes = Buffer.from(characters.slice(0, wholeQuanta(characters)), 'base64');
  try {
    // As a stream, since the head may end within a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return !/[^\P{Cc}\t\r\n]/u.test(text);
  } catch {
    return false;
  }
}

function createDecoder(): Decoder {
  let rest = ''; // Up to three characters, no whole quantum yet.
  let hasEnded = false;
  return {
    decode(chunk) {
      const characters = rest + withoutLineBreaks(chunk);
      if (characters !== '' && (hasEnded || FOREIGN.test(characters))) {
        throw new Error('results: expected base64 to its end');
      }
      const whole = wholeQuanta(characters);
      rest = characters.slice(whole);
      hasEnded = characters[whole - 1] === '=' || hasEnded;
      return Buffer.from(characters.slice(0, whole), 'base64');
    },
    end: () => Buffer.from(rest, 'base64'),
  };
}

const wholeQuanta = ({ length }: string) => length - (length % 4);

function withoutLineBreaks(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\r\n]+/g, '');
}
