import Papa from 'papaparse';

/** Maximum characters of a row. A longer one is an unterminated quote, or no text at all. */
const MAX_ROW_LENGTH = 1024 * 1024;

/** Minimum characters to parse at once. */
const MIN_TEXT_LENGTH = 64 * 1024;

/**
 * Parses a CSV file in UTF-8 while it streams. Yields batches of rows, each row an array of cells; a blank line is a row of
 * one blank cell. Skips a byte order mark. Lines end in LF, CRLF or CR; the last line end is optional.
 *
 * Throws an Error `results: …` for an unterminated quote, a quote within a cell and a row above 1 MiB. Errors of `chunks`
 * are passed on. Stopping early also stops `chunks`.
 */
export async function* readRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[][], void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let minLength = MIN_TEXT_LENGTH;
  for await (const chunk of chunks) {
    rest += withLineFeeds(decoder.decode(chunk, { stream: true }));
    if (rest.length < minLength) continue;
    const { rows, end } = parse(rest, true);
    rest = rest.slice(end);
    if (rest.length > MAX_ROW_LENGTH) throw new Error('results: has a row above 1 MiB; expected CSV with shorter rows');
    minLength = Math.max(MIN_TEXT_LENGTH, 2 * rest.length); // A long row would be parsed again with each chunk.
    yield rows;
  }
  yield parse(rest + withLineFeeds(decoder.decode()), false).rows;
}

// A CR at the end of a chunk counts as a line break, and the LF of the next chunk then as a blank line.
const withLineFeeds = (text: string) => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);

// Papa searches for the end of the cell again at each such quote: a crafted text would take minutes.
const STRAY_QUOTE = /[^",\n]"[^",\n]/;

// Papa's own streaming pushes rows as events, and continues after an unterminated quote. Its parser of one text is as fast
// (an eighth of the time of csv-parse), and the reader can pause between two texts.
function parse(text: string, isPart: boolean): { rows: string[][]; end: number } {
  if (STRAY_QUOTE.test(text)) throw new Error('results: has a quote within a cell; expected quotes around whole cells');
  const parser = new Papa.Parser({ delimiter: ',', newline: '\n' });
  const { data, errors, meta }: Papa.ParseResult<string[]> = parser.parse(text, 0, isPart);
  if (!isPart && errors.some(({ code }) => code === 'MissingQuotes')) {
    throw new Error('results: has an unterminated quote; expected a closing quote');
  }
  return { rows: data, end: meta.cursor };
}
