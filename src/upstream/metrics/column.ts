const INITIAL_CAPACITY = 64;
/** Bytes of a string in a map beside its characters, about. */
const TEXT_OVERHEAD_BYTES = 64;
/** Bytes of a column beside its numbers and texts. Measured. */
const COLUMN_OVERHEAD_BYTES = 600;

/** A growing buffer of numbers. */
export interface NumberBuffer {
  /** Sets a number. Indexes must be consecutive from 0. */
  set(index: number, value: number): void;
  /** Returns the first `length` numbers. The buffer cannot be used afterwards. */
  take(length: number): Float64Array;
}

export function createNumberBuffer(): NumberBuffer {
  let values = new Float64Array(INITIAL_CAPACITY);
  return {
    set(index, value) {
      if (index === values.length) values = new Float64Array(values.buffer.transfer(values.byteLength * 2));
      values[index] = value;
    },
    take: (length) => new Float64Array(values.buffer.transfer(length * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** A complete column: a number, a text or no value at each point. */
export interface Column {
  readonly name: string;
  /** NaN where a point has no number; null when no point has one. */
  readonly numbers: Float64Array | null;
  /** The cells that are not numbers, by the index of their point. */
  readonly texts: ReadonlyMap<number, string>;
  readonly sizeInBytes: number;
}

export interface ColumnReader {
  /** Parses the cell of the next point; undefined when the row is too short. Returns the bytes of the text that it stores. */
  add(cell: string | undefined): number;
  /** Returns the column, in its original order or in `order` of points. The reader cannot be used afterwards. */
  take(order: Uint32Array | null): Column;
}

/** Creates a reader of cells. With `isMinusOneMissing`, -1 means no value, as a blank cell does. Texts are stored redacted. */
export function createColumnReader(
  name: string,
  isMinusOneMissing: boolean,
  redact: (text: string) => string,
): ColumnReader {
  const numbers = createNumberBuffer();
  const texts = new Map<number, string>();
  let length = 0;
  let numberCount = 0;
  let textBytes = 0;
  return {
    add(cell = '') {
      const value = parseNumber(cell);
      const isNumber = !Number.isNaN(value) && !(isMinusOneMissing && value === -1);
      if (isNumber) numberCount++;
      const bytes = Number.isNaN(value) && cell.trim() !== '' ? addText(redact(cell)) : 0;
      numbers.set(length++, isNumber ? value : Number.NaN);
      return bytes;
    },
    take(order) {
      const unordered = numberCount === 0 ? null : numbers.take(length);
      return {
        name,
        numbers: unordered === null || order === null ? unordered : reorder(unordered, order),
        texts: order === null || texts.size === 0 ? texts : reorderTexts(texts, order),
        sizeInBytes: COLUMN_OVERHEAD_BYTES + (unordered?.byteLength ?? 0) + textBytes,
      };
    },
  };

  function addText(text: string): number {
    texts.set(length, copyText(text));
    const bytes = 2 * text.length + TEXT_OVERHEAD_BYTES;
    textBytes += bytes;
    return bytes;
  }
}

/** Copies a text. V8 represents a substring as a reference that retains the whole string, here a chunk of the file. */
export function copyText(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * Parses a cell as a decimal number, `6e-05` and ` 5 ` included. NaN when it is blank, not such a number or infinite. More
 * lenient than JSON: `.5` and `+5` are numbers too.
 */
export function parseNumber(cell: string): number {
  const value = Number(cell);
  if (value === 0 && cell.trim() === '') return Number.NaN;
  // Number('0x10') is 16.
  if (Number.isInteger(value) && /^\s*0[xob]/i.test(cell)) return Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

/** Returns the values in the order of `order`, which holds the old index of each new position. */
export function reorder(values: Float64Array, order: Uint32Array): Float64Array {
  return new Float64Array(order.length).map((_, to) => values[order[to] ?? -1] ?? Number.NaN);
}

function reorderTexts(texts: ReadonlyMap<number, string>, order: Uint32Array): Map<number, string> {
  const reordered = new Map<number, string>();
  for (const [to, from] of order.entries()) {
    const text = texts.get(from);
    if (text !== undefined) reordered.set(to, text);
  }
  return reordered;
}
