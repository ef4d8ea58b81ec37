import { on } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { ApiError } from './api-error.ts';

/** One part of a multipart/form-data body. Read its content to the end before you ask for the next part. */
export interface Part {
  readonly name: string;
  /** Undefined for a field without a file. */
  readonly filename: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

const MAX_PARTS = 100;
const MAX_NAME_LENGTH = 16_384;

type Parser = InstanceType<typeof Busboy>;

/** Returns the boundary of a Content-Type. Throws ApiError for any other type. */
export function boundaryOf(contentType = ''): string {
  const [, quoted, plain] =
    /^multipart\/form-data;.*\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed('expected multipart/form-data with a boundary');
  return boundary;
}

/**
 * Yields the parts of a body while it arrives. Throws ApiError when the body is not a form (RFC 7578), and the error of
 * `bytes` when that fails. When the consumer stops early, the rest of `bytes` is read and discarded.
 */
export async function* readParts(bytes: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Part> {
  const parser = createParser(boundary);
  let current: Readable | undefined;
  let failure: unknown = malformed('it ends in the middle'); // The only error of the parser itself.
  const fail = () => {
    throw failure;
  };
  parser.on('error', () => {}); // `parts` and the content of a part report it.
  parser.on('file', (_, content) => {
    current = content.on('error', () => {});
  });
  const parts = on(parser, 'file', { close: ['finish'] });
  const fed = feed(bytes, parser).catch((error: Error) => {
    failure = error;
    current?.destroy(error);
    parser.destroy(error);
  });
  try {
    for (let count = 0; ; count += 1) {
      const { done, value } = await parts.next().catch(fail);
      if (done) return await fed;
      if (count === MAX_PARTS) throw malformed(`it has more than ${MAX_PARTS} parts`);
      const [name, content, filename] = value; // As the parser's listener above gets them.
      yield { ...checkNames(name, filename), content: withFailure(content, fail) };
    }
  } finally {
    parser.destroy();
  }
}

function createParser(boundary: string): Parser {
  return new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { parts: MAX_PARTS + 1 }, // The last one is reported, the parser skips those after it.
    preservePath: true,
    isPartAFile: () => true, // Fields are read by their bytes too.
  });
}

/** Writes `bytes` to the parser with backpressure. Discards them when the parser is destroyed. */
async function feed(bytes: AsyncIterable<Uint8Array>, parser: Parser): Promise<void> {
  for await (const chunk of bytes) {
    if (parser.destroyed || parser.write(chunk)) continue;
    await drained(parser);
  }
  if (!parser.destroyed) parser.end();
}

const drained = (parser: Parser) =>
  new Promise<void>((resolve) => {
    const settle = () => {
      parser.off('drain', settle).off('close', settle);
      resolve();
    };
    parser.on('drain', settle).on('close', settle);
  });

async function* withFailure(content: AsyncIterable<Uint8Array>, fail: () => never): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch {
    fail();
  }
}

function checkNames(name: string | undefined, filename: string | undefined): Pick<Part, 'name' | 'filename'> {
  if (name === undefined) throw malformed('a part has no name');
  if (name.length + (filename?.length ?? 0) > MAX_NAME_LENGTH) throw malformed('a part has a longer head');
  return { name: decode(name), filename: filename === undefined ? undefined : decode(filename) };
}

/** Browsers percent-encode quotes and line breaks in names, and nothing else (HTML, multipart form data). */
const decode = (name: string) =>
  name.replace(/%(22|0A|0D)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

const malformed = (reason: string) => new ApiError(400, `Could not read the body as a form: ${reason}.`);
