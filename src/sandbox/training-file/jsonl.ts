/** A line of a file, without its end; null when it is longer than can be kept, or no UTF-8. */
export type Line = string | null;

/** A longer example than any context has room for. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const LINE_FEED = 0x0a;

/** The lines of a content, one after another; empty ones are left out. Keeps no more of it than a line. */
export async function* readLines(pieces: Iterable<string> | AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array) => {
    length += part.length;
    if (length <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const take = (): Line => {
    const line = length > MAX_LINE_BYTES ? null : decode(Buffer.concat(parts));
    [parts, length] = [[], 0];
    return line;
  };
  for await (const piece of pieces) {
    let rest: Uint8Array = typeof piece === 'string' ? Buffer.from(piece) : piece;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      add(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const line = take();
      if (line?.trim() !== '') yield line;
    }
    add(rest);
  }
  const last = take();
  if (last?.trim() !== '') yield last;
}

// One that leaves out a mark of byte order, and takes nothing for what is no UTF-8.
const decoder = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): Line {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
