/** A line without its line break; null when it is too long, or not UTF-8. */
export type Line = string | null;

/** More than the context of any model holds. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const LINE_FEED = 0x0a;

/** Yields the lines of a content, except empty ones. Buffers at most one line. */
export async function* readLines(chunks: Iterable<string> | AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array) => {
    length += part.length;
    if (length <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const takeLine = (): Line => {
    const line = length > MAX_LINE_BYTES ? null : decode(Buffer.concat(parts));
    [parts, length] = [[], 0];
    return line;
  };
  for await (const chunk of chunks) {
    let rest: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      add(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const line = takeLine();
      if (line?.trim() !== '') yield line;
    }
    add(rest);
  }
  const last = takeLine();
  if (last?.trim() !== '') yield last;
}

// Skips a byte order mark, and throws for bytes that are not UTF-8.
const decoder = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): Line {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
