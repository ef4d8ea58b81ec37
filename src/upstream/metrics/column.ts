const FIRST_CAPACITY = 64;
/** Bytes that a text takes beside its characters, about: its own header and its place in the map. */
const TEXT_OVERHEAD = 64;
/** Bytes that a column takes beside its numbers and texts. Measured. */
const COLUMN_OVERHEAD = 600;

/** Numbers side by side, as many as come. */
export interface NumberBuffer {
  /** Indices come one after the other. */
  set(index: number, value: number): void;
  /** The first `length` of them; nothing can be set any more. */
  take(length: number): Float64Array;
}

export function createNumberBuffer(): NumberBuffer {
  let values = new Float64Array(FIRST_CAPACITY);
  return {
    set(index, value) {
      if (index === values.length) values = new Float64Array(values.buffer.transfer(values.byteLength * 2));
      values[index] = value;
    },
    take: (length) => new Float64Array(values.buffer.transfer(length * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** A column that has been read: a number, a text or nothing at each point. */
export interface Column {
  readonly name: string;
  /** NaN where there is no number; null when there is none at all. */
  readonly numbers: Float64Array | null;
  /** What is not a number, by the index of its point. */
  readonly texts: ReadonlyMap<number, string>;
  /** Bytes. */
  readonly sizeInBytes: number;
}

export interface ColumnReader {
  /** Reads the cell of the next point; a row that is too short has none. Gives the bytes of the text that is kept. */
  add(cell: string | undefined): number;
  /** What has been read, as it came or in that order of points. Nothing can be added any more. */
  take(order: Uint32Array | null): Column;
}

/** Reads a column cell by cell. Where it `lacksMinusOne`, -1 is no value, as a blank cell is; texts are kept as `clean` gives them. */
export function createColumnReader(
  name: string,
  lacksMinusOne: boolean,
  clean: (text: string) => string,
): ColumnReader {
  const numbers = createNumberBuffer();
  const texts = new Map<number, string>();
  let length = 0;
  let measured = 0;
  let textBytes = 0;
  return {
    add(cell = '') {
      const value = parseNumber(cell);
      const isNumber = !Number.isNaN(value) && !(lacksMinusOne && value === -1);
      if (isNumber) measured++;
      const weight = Number.isNaN(value) && cell.trim() !== '' ? keep(clean(cell)) : 0;
      numbers.set(length++, isNumber ? value : Number.NaN);
      return weight;
    },
    take(order) {
      const asRead = measured === 0 ? null : numbers.take(length);
      return {
        name,
        numbers: asRead === null || order === null ? asRead : reorder(asRead, order),
        texts: order === null || texts.size === 0 ? texts : reorderedTexts(texts, order),
        sizeInBytes: COLUMN_OVERHEAD + (asRead?.byteLength ?? 0) + textBytes,
      };
    },
  };

  function keep(text: string): number {
    texts.set(length, copyText(text));
    const weight = 2 * text.length + TEXT_OVERHEAD;
    textBytes += weight;
    return weight;
  }
}

/** A text that keeps nothing else alive: a part of a string keeps the whole, here a chunk of the file for each cell. */
export function copyText(text: string): string {
  return Buffer.from(text).toString();
}

/** The number that a cell is, `6e-05` and ` 5 ` too; NaN when it is blank, no number or infinite. */
export function parseNumber(cell: string): number {
  const value = Number(cell);
  if (value === 0 && cell.trim() === '') return Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

export function reorder(values: Float64Array, order: Uint32Array): Float64Array {
  return new Float64Array(order.length).map((_, to) => values[order[to] ?? -1] ?? Number.NaN);
}

function reorderedTexts(texts: ReadonlyMap<number, string>, order: Uint32Array): Map<number, string> {
  const moved = new Map<number, string>();
  for (const [to, from] of order.entries()) {
    const text = texts.get(from);
    if (text !== undefined) moved.set(to, text);
  }
  return moved;
}
