import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricsSeries } from '../../../../src/upstream/metrics/metrics.ts';
import { readResults } from '../../../../src/upstream/metrics/results.ts';

/** Streams a file in chunks. */
async function* inChunks(file: string | Uint8Array, chunkBytes = 1 << 16): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(file);
  for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes);
}

const CREDENTIAL = { apiKey: 'test-key-results' };
async function read(...args: [file: string | Uint8Array, chunkBytes?: number]): Promise<MetricsSeries> {
  const series = await readResults(inChunks(...args), CREDENTIAL);
  if (series === null) throw new Error('expected a series');
  return series;
}
const toBase64 = (text: string) => Buffer.from(text).toString('base64');
const pointsOf = ({ length, data }: MetricsSeries) => Array.from({ length }, (_, index) => data(index));

const HEADER = 'step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy';
const FILE = `${HEADER}\n1,1.60742,0.64516,,\n2,1.4,0.7,1.39911,0.66667\n`;
const POINTS = [
  { step: 1, train_loss: 1.60742, train_accuracy: 0.64516 },
  { step: 2, train_loss: 1.4, train_accuracy: 0.7, valid_loss: 1.39911, valid_mean_token_accuracy: 0.66667 },
];

describe('readResults', () => {
  it('reads plain CSV', async () => {
    const series = await read(FILE);
    expect(series).toMatchObject({ length: 2, isComplete: true });
    expect([...series.steps]).toEqual([1, 2]);
    expect([...(series.columns.train_loss ?? [])]).toEqual([1.60742, 1.4]);
    expect(pointsOf(series)).toEqual(POINTS);
  });

  it('reads CSV in base64', async () => expect(pointsOf(await read(toBase64(FILE)))).toEqual(POINTS));

  it('does not depend on chunk boundaries: property', async () => {
    const text = `${HEADER},note\n${Array.from({ length: 60 }, (_, step) => `${step},0.${step},0.5,,,"ä,€""😀"`).join('\r\n')}`;
    const points = pointsOf(await read(text));
    expect(points[59]).toEqual({ step: 59, train_loss: 0.59, train_accuracy: 0.5, note: 'ä,€"😀' });
    const encodings = [text, toBase64(text), toBase64(text).replace(/.{76}/g, '$&\r\n')];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...encodings), fc.integer({ min: 1, max: 300 }), async (file, chunkBytes) => {
        expect(pointsOf(await read(file, chunkBytes))).toEqual(points);
      }),
      { numRuns: 60, examples: encodings.map((file) => [file, 1]) },
    );
  });

  it('has NaN for an empty cell', async () => {
    expect([...((await read(FILE)).columns.valid_loss ?? [])]).toEqual([Number.NaN, 1.39911]);
  });

  it('reads -1 as no value of a loss or an accuracy', async () => {
    const series = await read('step,train_loss,valid_mean_token_accuracy\n1,-1,-1.0\n2,0.5,0.25\n');
    expect([...(series.columns.train_loss ?? [])]).toEqual([Number.NaN, 0.5]);
    expect([...(series.columns.valid_mean_token_accuracy ?? [])]).toEqual([Number.NaN, 0.25]);
    expect(series.data(0)).toEqual({ step: 1 });
  });

  it('reads -1 as a value of a reward', async () => {
    expect((await read('step,train_mean_reward\n1,-1\n')).columns.train_mean_reward?.[0]).toBe(-1);
  });

  it('reads numbers with an exponent', async () => {
    expect((await read('step,train_loss\n1,6e-05\n')).columns.train_loss?.[0]).toBe(0.00006);
  });

  it.each([
    ['train_accuracy', 'train_mean_token_accuracy'],
    ['valid_accuracy', 'valid_mean_token_accuracy'],
  ] as const)('reads the column %s as %s', async (alias, metric) => {
    expect((await read(`step,${alias}\n1,0.5\n`)).columns[metric]?.[0]).toBe(0.5);
  });

  it.each([
    ['validation_mean_token_accuracy', 'valid_mean_token_accuracy'],
    ['full_validation_mean_token_accuracy', 'full_valid_mean_token_accuracy'],
    ['validation_loss', 'valid_loss'],
    ['full_validation_loss', 'full_valid_loss'],
    ['validation_accuracy', 'valid_mean_token_accuracy'],
  ] as const)('reads the column %s of Azure as %s, and keeps its name in the data', async (alias, metric) => {
    const series = await read(`step,${alias}\n1,0.5\n2,-1\n`);
    expect([...(series.columns[metric] ?? [])]).toEqual([0.5, Number.NaN]);
    expect(series.data(0)).toEqual({ step: 1, [alias]: 0.5 });
  });

  it.each(['0x10', '0b11', '0o17', ' 0X1F'])('reads %s as a text, not as a number', async (cell) => {
    const series = await read(`step,train_loss\n1,${cell}\n`);
    expect(series.columns).toEqual({});
    expect(series.data(0)).toEqual({ step: 1, train_loss: cell });
  });

  it('prefers the column with the name of the metric over one with an older name', async () => {
    const { columns } = await read('step,train_mean_token_accuracy,train_accuracy\n1,0.5,0.1\n');
    expect(columns.train_mean_token_accuracy?.[0]).toBe(0.5);
  });

  it('has no column for a metric without values', async () => {
    expect(Object.keys((await read(`${HEADER}\n1,0.5,,,\n2,0.4,,-1,\n`)).columns)).toEqual(['train_loss']);
  });

  it('includes unknown columns in the data of a point, as numbers or strings', async () => {
    const series = await read('step,tokens,phase,mixed,__proto__\n1,512,warm-up,7,x\n2,,,seven,-1\n');
    expect(series.columns).toEqual({});
    expect(series.data(0)).toEqual(
      Object.fromEntries(Object.entries({ step: 1, tokens: 512, phase: 'warm-up', mixed: 7, ['__proto__']: 'x' })),
    );
    expect(series.data(1)).toEqual({ step: 2, mixed: 'seven', ['__proto__']: -1 });
  });

  it.each(['inf', 'Infinity', 'nan', 'n/a'])('reads %s as a string, not as a number', async (text) => {
    const series = await read(`step,train_loss\n1,${text}\n2,0.5\n`);
    expect([...(series.columns.train_loss ?? [])]).toEqual([Number.NaN, 0.5]);
    expect(series.data(0)).toEqual({ step: 1, train_loss: text });
  });

  it.each([
    ['CRLF', FILE.replaceAll('\n', '\r\n')],
    ['CR', FILE.replaceAll('\n', '\r')],
    ['no line break at its end', FILE.trimEnd()],
    ['blank lines', `\n${FILE.replaceAll('\n', '\n\n')} \n`],
    ['a byte order mark', `\uFEFF${FILE}`],
    ['spaces beside the cells', FILE.replaceAll(',', ' , ')],
    ['quoted cells', FILE.replace(/[^,\n]+/g, '"$&"')],
  ])('reads a file with %s', async (_, file) => {
    expect(pointsOf(await read(file))).toEqual(POINTS);
    expect(pointsOf(await read(toBase64(file)))).toEqual(POINTS);
  });

  it('reads quoted cells with commas, quotes and line breaks', async () => {
    expect((await read('note,step\n"a, ""b""\nc",1\n')).data(0)).toEqual({ note: 'a, "b"\nc', step: 1 });
  });

  it('reads the missing cells of a short row as empty, and ignores cells beyond the header', async () => {
    const series = await read('step,train_loss,valid_loss\n1,0.5\n2,0.4,0.3,0.2,0.1\n');
    expect(pointsOf(series)).toEqual([
      { step: 1, train_loss: 0.5 },
      { step: 2, train_loss: 0.4, valid_loss: 0.3 },
    ]);
  });

  it.each(['', ' ', 'x', '-1', 'NaN', 'Infinity', '3000000000'])('skips a row whose step is "%s"', async (step) => {
    expect([...(await read(`train_loss,step\n0.5,${step}\n0.4,2\n`)).steps]).toEqual([2]);
  });

  it('reads a step with a zero fraction as an integer', async () => {
    expect([...(await read('step,train_loss\n100.0,0.5\n')).steps]).toEqual([100]);
  });

  it('sorts the points by step and keeps the order of equal steps', async () => {
    const series = await read('step,train_loss,phase\n3,0.3,c\n1,0.1,\n3,0.4,d\n2,,b\n');
    expect(pointsOf(series)).toEqual([
      { step: 1, train_loss: 0.1 },
      { step: 2, phase: 'b' },
      { step: 3, train_loss: 0.3, phase: 'c' },
      { step: 3, train_loss: 0.4, phase: 'd' },
    ]);
    expect([...(series.columns.train_loss ?? [])]).toEqual([0.1, Number.NaN, 0.3, 0.4]);
  });

  it.each([
    ['a header only', HEADER],
    ['a header only, in base64', toBase64(HEADER)],
    ['a single column without a row', 'step'],
  ])('has no points for %s', async (_, file) => {
    expect(await read(file)).toMatchObject({ length: 0, isComplete: true, columns: {} });
  });

  it.each([
    ['an empty file', ''],
    ['a file of blank lines', '\r\n\r\n'],
    ['blank lines in base64', toBase64('\n \n\n\n\n\n')],
  ])('returns null for %s', async (_, file) => {
    expect(await readResults(inChunks(file), CREDENTIAL)).toBeNull();
  });

  it('has no times', async () => expect((await read(FILE)).createdAt(0)).toBeNull());

  it('has the size of its numbers, its strings and an overhead per column', async () => {
    const numbers = await read(FILE);
    expect(numbers.sizeInBytes).toBe(8 * 2 * 5 + 600 * 4);
    const texts = await read(FILE.replaceAll('1.4,', 'x'.repeat(1000)));
    expect(texts.sizeInBytes).toBeGreaterThan(numbers.sizeInBytes + 1000);
  });
});

describe('readResults throws for', () => {
  const invalid =
    /^results: has (no column "step"; expected CSV with a header|a quote within a cell; expected quotes around whole cells)$/;
  const random = fc.sample(fc.uint8Array({ minLength: 5000, maxLength: 5000 }), { numRuns: 1, seed: 1 })[0] ?? [];

  it.each([
    ['CSV without a column "step"', 'epoch,train_loss\n1,0.5\n'],
    ['an HTML page', '<!doctype html>\n<html><body>"Not found"</body></html>\n'],
    ['JSON', '{"error": {"message": "No such file"}}'],
    ['bytes that are not text', Buffer.from(random)],
    ['the same in base64', Buffer.from(random).toString('base64')],
  ])('%s', async (_, file) => expect(read(file)).rejects.toThrow(invalid));

  it('base64 that is followed by other text', async () => {
    const file = `${toBase64(FILE.repeat(50))}\n<html>`;
    await expect(read(file)).rejects.toThrow(
      'results: is base64 with an invalid character; expected base64 throughout',
    );
  });

  it('quotes within a cell, as the parser would search the end of each', async () => {
    const file = `step,train_loss\n1,"${'x"'.repeat(200_000)}x${' '.repeat(400_000)},3\n`;
    await expect(read(file)).rejects.toThrow('results: has a quote within a cell; expected quotes around whole cells');
  });

  it('an unterminated quote', async () => {
    await expect(read('step,note\n1,"abc\n2,def\n')).rejects.toThrow(
      'results: has an unterminated quote; expected a closing quote',
    );
  });

  it('an endless row, before it has read all of it', async () => {
    let chunks = 0;
    async function* endless() {
      for (;;) {
        chunks++;
        yield Buffer.alloc(100_000, 'x');
      }
    }
    await expect(readResults(endless(), CREDENTIAL)).rejects.toThrow(
      'results: has a row above 1 MiB; expected CSV with shorter rows',
    );
    expect(chunks).toBeLessThan(20);
  });

  it('more than 1000 columns', async () => {
    await expect(read(`step${',x'.repeat(1000)}\n`)).rejects.toThrow(
      'results: has 1001 columns; expected at most 1000',
    );
  });

  it('any other invalid bytes, with such an error: property', async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    const csv = fc.string({ unit: fc.constantFrom('1', '-', ',', '"', '\n', '\r', 'é', ' ') });
    const file = fc.oneof(
      bytes,
      csv.map((text) => Buffer.from(`step,train_loss\n${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 100 }), async (content, chunkBytes) => {
        const outcome = await readResults(inChunks(content, chunkBytes), CREDENTIAL).catch(
          (error: Error) => error.message,
        );
        if (typeof outcome === 'string') expect(outcome).toMatch(/^results: (is|has) .+; expected /);
        else if (outcome === null) expect(Buffer.from(content).toString().trim()).toBe('');
        else expect(outcome.steps).toHaveLength(outcome.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the source of readResults', () => {
  /** An endless file that counts the rows that were read, and records whether it was stopped. */
  function endlessRows() {
    const state = { rows: 0, hasEnded: false };
    async function* chunks() {
      try {
        yield Buffer.from('step,train_loss\n');
        for (;;) yield Buffer.from(`${++state.rows},0.5\n`);
      } finally {
        state.hasEnded = true;
      }
    }
    return { state, chunks: chunks() };
  }

  it.each([
    { rows: 500, cells: 1e6 },
    { rows: 1e6, cells: 1000 },
  ])('is stopped at the limits %o, and the series is incomplete', async (limits) => {
    const { state, chunks } = endlessRows();
    const series = await readResults(chunks, CREDENTIAL, limits);
    expect(series).toMatchObject({ length: 500, isComplete: false });
    expect(state.hasEnded).toBe(true);
    expect(state.rows).toBeLessThan(8000); // The rows of 64 KiB, which are parsed at once.
  });

  it('is read to its end when it has exactly as many rows as the limit', async () => {
    expect(await readResults(inChunks(FILE), CREDENTIAL, { rows: 2, cells: 100 })).toMatchObject({
      length: 2,
      isComplete: true,
    });
  });

  it('is stopped when the file is invalid', async () => {
    let hasEnded = false;
    async function* chunks() {
      try {
        for (;;) yield Buffer.from('<p>\n'.repeat(500));
      } finally {
        hasEnded = true;
      }
    }
    await expect(readResults(chunks(), CREDENTIAL)).rejects.toThrow('results: ');
    expect(hasEnded).toBe(true);
  });

  it.each([0, 1000])('passes its error on after %i rows', async (rows) => {
    const failure = new Error('cut off');
    async function* chunks() {
      yield Buffer.from('step,train_loss\n');
      for (let step = 0; step < rows; step++) yield Buffer.from(`${step},0.5\n`);
      throw failure;
    }
    await expect(readResults(chunks(), CREDENTIAL)).rejects.toBe(failure);
  });
});
