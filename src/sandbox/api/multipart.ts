import { ApiError } from './api-error.ts';

/** One part of a multipart/form-data body; its content has to be read to its end before the next part is asked for. */
export interface Part {
  readonly name: string;
  /** Absent when it is a plain field. */
  readonly filename: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

const MAX_PARTS = 100;
const MAX_HEADER_BYTES = 16_384;

/** The boundary that a Content-Type announces. Throws a Refusal when it is no form. */
export function boundaryOf(contentType = ''): string {
  const [, quoted, plain] =
    /^multipart\/form-data;.*\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed('expected multipart/form-data with a boundary');
  return boundary;
}

/** The parts of a body, as they come. Rejects with a Refusal where it is none (RFC 7578). */
export async function* readParts(bytes: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Part> {
  const source = bytes[Symbol.asyncIterator]();
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let rest: Buffer = Buffer.from('\r\n'); // The first delimiter has no line before it.

  async function more(): Promise<void> {
    const { done, value } = await source.next();
    if (done) throw malformed('it ends in the middle');
    rest = rest.length === 0 ? Buffer.from(value) : Buffer.concat([rest, value]);
  }

  /** What stands before the next delimiter; takes that too. */
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let end = rest.indexOf(delimiter); ; end = rest.indexOf(delimiter)) {
      const sure = end < 0 ? rest.length - delimiter.length + 1 : end;
      const piece = rest.subarray(0, Math.max(sure, 0));
      rest = rest.subarray(end < 0 ? piece.length : end + delimiter.length);
      if (piece.length > 0) yield piece;
      if (end >= 0) return;
      await more();
    }
  }

  /** The lines after a delimiter, up to the empty one; null after the last delimiter. */
  async function head(): Promise<string | null> {
    while (rest.length < 2) await more();
    if (rest.toString('latin1', 0, 2) === '--') return null;
    for (let end = rest.indexOf('\r\n\r\n'); ; end = rest.indexOf('\r\n\r\n')) {
      if (end > MAX_HEADER_BYTES || rest.length > MAX_HEADER_BYTES + 65_536)
        throw malformed('a part has a longer head');
      if (end >= 0) {
        const text = rest.toString('utf8', 0, end);
        rest = rest.subarray(end + 4);
        return text;
      }
      await more();
    }
  }

  async function* parts(): AsyncGenerator<Part> {
    await drain(content()); // Before the first part there may be anything, and after the last one.
    for (let count = 0; ; count += 1) {
      const lines = await head();
      if (lines === null) return await drain({ [Symbol.asyncIterator]: () => source });
      if (count === MAX_PARTS) throw malformed(`it has more than ${MAX_PARTS} parts`);
      yield { ...namesIn(lines), content: content() };
    }
  }

  try {
    yield* parts();
  } finally {
    await source.return?.();
  }
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

function namesIn(head: string): { name: string; filename: string | undefined } {
  const disposition = /(?:^|\r\n)content-disposition:([^\r\n]*)/i.exec(head)?.[1] ?? '';
  const name = parameter(disposition, 'name');
  if (name === undefined) throw malformed('a part has no name');
  return { name, filename: parameter(disposition, 'filename') };
}

/** Browsers write quotes and ends of lines in percents, others escape quotes. */
function parameter(disposition: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`;\\s*${name}=(?:"((?:\\\\"|[^"])*)"|([^\\s;"]+))`, 'i').exec(disposition) ?? [];
  return (quoted ?? plain)?.replace(/\\"|%(22|0A|0D)/gi, (_, code?: string) =>
    code === undefined ? '"' : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const malformed = (fault: string) => new ApiError(400, `Could not read the body as a form: ${fault}.`);
