import type { Credential } from '../credentials/credential.ts';
import { redactKey } from '../credentials/redaction.ts';
import { decodeIfBase64 } from './base64.ts';
import { type Column, copyText, createColumnReader, createNumberBuffer, parseNumber, reorder } from './column.ts';
import { readRows } from './csv.ts';
import { METRICS, type Metric, type MetricsSeries } from './metrics.ts';

export interface ResultsLimits {
  readonly rows: number;
  /** Cells of all columns: what bounds the memory when there are many. */
  readonly cells: number;
}

const LIMITS: ResultsLimits = { rows: 2_000_000, cells: 32_000_000 };
const MAX_TEXT_BYTES = 128 * 1024 * 1024;
const MAX_COLUMNS = 100;
const MAX_STEP = 2 ** 31 - 1;
const STEP = 'step';

// Older files have another name for the accuracy (docs/upstream.md: Results file).
const METRIC_OF: ReadonlyMap<string, Metric> = new Map<string, Metric>([
  ...METRICS.map((metric) => [metric, metric] as const),
  ['train_accuracy', 'train_mean_token_accuracy'],
  ['valid_accuracy', 'valid_mean_token_accuracy'],
]);

/**
 * Reads the results file of a job as it comes, CSV in base64 or plain, without holding its text (docs/upstream.md: Results file). Rows
 * without a step are skipped, the others sorted by it. A file beyond the limits is read up to there; the series is then
 * not complete, and `chunks` has been ended. The key is cut out of its texts. Null when it has nothing but blank lines, not
 * even a header: such a body comes in the place of a file that is not there.
 *
 * Throws an Error `results: …` that says what was expected when the file is no CSV with a column of steps. Errors of
 * `chunks` pass unchanged.
 */
export async function readResults(
  chunks: AsyncIterable<Uint8Array>,
  credential: Credential,
  limits: ResultsLimits = LIMITS,
): Promise<MetricsSeries | null> {
  const clean = (text: string) => redactKey(text, credential);
  let table: Table | null = null;
  for await (const rows of readRows(decodeIfBase64(chunks))) {
    for (const row of rows) {
      if (isBlank(row)) continue;
      if (table === null) table = createTable(row, limits, clean);
      else if (table.isFull()) return table.toSeries(false);
      else table.add(row);
    }
  }
  return table?.toSeries(true) ?? null;
}

const isBlank = (row: readonly string[]) => row.length === 1 && row[0]?.trim() === '';

interface Table {
  add(row: readonly string[]): void;
  isFull(): boolean;
  /** What has been read. Nothing can be added any more. */
  toSeries(isComplete: boolean): MetricsSeries;
}

function createTable(header: readonly string[], limits: ResultsLimits, clean: (text: string) => string): Table {
  if (header.length > MAX_COLUMNS) throw new Error(`results: expected at most ${MAX_COLUMNS} columns`);
  const names = header.map((name) => copyText(clean(name.trim())));
  const stepAt = names.indexOf(STEP);
  if (stepAt === -1) throw new Error('results: expected CSV whose header has a column "step"');
  const steps = createNumberBuffer();
  const readers = names.flatMap((name, at) =>
    name === STEP ? [] : { at, column: createColumnReader(name, lacksMinusOne(name), clean) },
  );
  const maxRows = Math.min(limits.rows, Math.floor(limits.cells / names.length));
  let length = 0;
  let last = 0;
  let isSorted = true;
  let textBytes = 0;
  return {
    add(row) {
      const step = Math.trunc(parseNumber(row[stepAt] ?? ''));
      if (!(step >= 0 && step <= MAX_STEP)) return;
      isSorted &&= step >= last;
      last = step;
      steps.set(length++, step);
      for (const { at, column } of readers) textBytes += column.add(row[at]);
    },
    isFull: () => length >= maxRows || textBytes > MAX_TEXT_BYTES,
    toSeries(isComplete) {
      const asRead = steps.take(length);
      const order = isSorted ? null : ascending(asRead);
      const columns = readers.map(({ column }) => column.take(order));
      return createSeries(order === null ? asRead : reorder(asRead, order), columns, isComplete);
    },
  };
}

// Azure's "no value" (docs/upstream.md: Results file). A reward can be negative.
const lacksMinusOne = (name: string) => /(loss|accuracy)$/.test(name);

/** The indices of some numbers, in the order of these; of equal ones, the first comes first. */
function ascending(values: Float64Array): Uint32Array {
  const at = (index: number) => values[index] ?? Number.NaN;
  return new Uint32Array(values.length).map((_, index) => index).sort((a, b) => at(a) - at(b));
}

function createSeries(steps: Float64Array, columns: readonly Column[], isComplete: boolean): MetricsSeries {
  const measured: Partial<Record<Metric, Float64Array>> = {};
  for (const { name, numbers } of columns) {
    const metric = METRIC_OF.get(name);
    if (metric !== undefined && numbers !== null && (name === metric || !measured[metric])) measured[metric] = numbers;
  }
  return {
    length: steps.length,
    steps,
    columns: measured,
    isComplete,
    createdAt: () => null,
    data(index) {
      const cells = columns.map(({ name, numbers, texts }) => [name, texts.get(index) ?? numbers?.[index]] as const);
      return Object.fromEntries([[STEP, steps[index]], ...cells.filter(([, cell]) => isValue(cell))]);
    },
    sizeInBytes: columns.reduce((sum, column) => sum + column.sizeInBytes, steps.byteLength),
  };
}

const isValue = (cell: string | number | undefined) => cell !== undefined && !Number.isNaN(cell);
