import type { Credential } from '../credentials/credential.ts';
import { redactKey } from '../credentials/redaction.ts';
import { decodeIfBase64 } from './base64.ts';
import { type Column, copyText, createColumnReader, createNumberBuffer, parseNumber, reorder } from './column.ts';
import { readRows } from './csv.ts';
import { isMinusOneMissing, type Metric, type MetricsSeries, metricOf } from './metrics.ts';

export interface ResultsLimits {
  readonly rows: number;
  /** Maximum cells of all columns together; also of all skipped cells. */
  readonly cells: number;
}

// Together 64 MiB: the memory that the reader of a large file acquires (src/upstream/http/response-stream.ts).
const LIMITS: ResultsLimits = { rows: 1_000_000, cells: 6_000_000 };
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
/** Reinforcement fine-tuning with several graders has hundreds. */
const MAX_COLUMNS = 1000;
const MAX_STEP = 2 ** 31 - 1;
const STEP = 'step';

/**
 * Parses the results file of a job while it streams: CSV, plain or in base64 (docs/upstream.md: Results file). Skips rows
 * without a step and cells beyond the header, and sorts the rows by step. Redacts the credential. At a limit it stops `chunks` and returns an
 * incomplete series. Returns null for a file of blank lines only: servers send that in place of a missing file.
 *
 * Throws an Error `results: …` when the file is not CSV with a column of steps. Errors of `chunks` are passed on.
 */
export async function readResults(
  chunks: AsyncIterable<Uint8Array>,
  credential: Credential,
  limits: ResultsLimits = LIMITS,
): Promise<MetricsSeries | null> {
  const redact = (text: string) => redactKey(text, credential);
  let table: Table | null = null;
  let skippedCells = 0;
  for await (const rows of readRows(decodeIfBase64(chunks))) {
    for (const row of rows) {
      if (skippedCells > limits.cells) return table?.toSeries(false) ?? null;
      if (isBlank(row)) skippedCells++;
      else if (table === null) table = createTable(row, limits, redact);
      else if (table.isFull()) return table.toSeries(false);
      else skippedCells += table.add(row);
    }
  }
  return table?.toSeries(true) ?? null;
}

const isBlank = (row: readonly string[]) => row.length === 1 && row[0]?.trim() === '';

interface Table {
  /** Returns the number of skipped cells. */
  add(row: readonly string[]): number;
  isFull(): boolean;
  /** Returns the series. The table cannot be used afterwards. */
  toSeries(isComplete: boolean): MetricsSeries;
}

function createTable(header: readonly string[], limits: ResultsLimits, redact: (text: string) => string): Table {
  if (header.length > MAX_COLUMNS)
    throw new Error(`results: has ${header.length} columns; expected at most ${MAX_COLUMNS}`);
  const names = header.map((name) => copyText(redact(name.trim())));
  const stepIndex = names.indexOf(STEP);
  if (stepIndex === -1) throw new Error('results: has no column "step"; expected CSV with a header');
  const steps = createNumberBuffer();
  const readers = names.flatMap((name, index) =>
    name === STEP ? [] : { index, column: createColumnReader(name, isMinusOneMissing(name), redact) },
  );
  const maxRows = Math.min(limits.rows, Math.floor(limits.cells / names.length));
  let length = 0;
  let lastStep = 0;
  let isSorted = true;
  let textBytes = 0;
  return {
    add(row) {
      const step = Math.trunc(parseNumber(row[stepIndex] ?? ''));
      if (!(step >= 0 && step <= MAX_STEP)) return row.length;
      isSorted &&= step >= lastStep;
      lastStep = step;
      steps.set(length++, step);
      for (const { index, column } of readers) textBytes += column.add(row[index]);
      return Math.max(0, row.length - names.length);
    },
    isFull: () => length >= maxRows || textBytes > MAX_TEXT_BYTES,
    toSeries(isComplete) {
      const unordered = steps.take(length);
      const order = isSorted ? null : ascendingOrder(unordered);
      const columns = readers.map(({ column }) => column.take(order));
      return createSeries(order === null ? unordered : reorder(unordered, order), columns, isComplete);
    },
  };
}

/** Returns the indexes of the values in ascending order of the values. The sort is stable. */
function ascendingOrder(values: Float64Array): Uint32Array {
  const valueAt = (index: number) => values[index] ?? Number.NaN;
  return new Uint32Array(values.length).map((_, index) => index).sort((a, b) => valueAt(a) - valueAt(b));
}

function createSeries(steps: Float64Array, columns: readonly Column[], isComplete: boolean): MetricsSeries {
  const metrics: Partial<Record<Metric, Float64Array>> = {};
  for (const { name, numbers } of columns) {
    const metric = metricOf(name);
    if (metric !== undefined && numbers !== null && (name === metric || !metrics[metric])) metrics[metric] = numbers;
  }
  return {
    length: steps.length,
    steps,
    columns: metrics,
    isComplete,
    createdAt: () => null,
    data(index, hasTexts = true) {
      const cells = columns.map(({ name, numbers, texts }) => {
        const text = hasTexts ? texts.get(index) : undefined;
        return [name, text ?? numbers?.[index]] as const;
      });
      return Object.fromEntries([[STEP, steps[index]], ...cells.filter(([, cell]) => isValue(cell))]);
    },
    sizeInBytes: columns.reduce((sum, column) => sum + column.sizeInBytes, steps.byteLength),
    columnCount: 1 + columns.length,
  };
}

const isValue = (cell: string | number | undefined) => cell !== undefined && !Number.isNaN(cell);
