import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { checkResponses } from '../../bench/check.ts';
import { startProcess } from '../../bench/process.ts';
import { workloadNames } from '../../bench/workload.ts';
import { COMPILE_CACHE } from '../../kit/process/process.ts';

const env = { ...process.env, ...COMPILE_CACHE };
const bench = (program: string, ...options: string[]) =>
  promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL(`../../bench/${program}.ts`, import.meta.url)), ...options],
    { env },
  );

test('the benchmark measures every row of all workloads, and counts cold calls', { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const out = join(folder, 'bench.json');
  const { stdout } = await bench('bench', '--rounds', '1', '--seconds', '0.01', '--out', out);
  const tableLines = stdout.split('\n').filter((line) => /^\| W\d /.test(line));
  expect(tableLines.map((line) => line.slice(2, 4))).toEqual(workloadNames);
  expect(stdout).toMatch(/^\| from the start of the process to the first response, ms( \| [\d.]+){3} \|$/m);
  expect(stdout).not.toContain('NaN');
  const { workloads, starts, coldCounts } = JSON.parse(await readFile(out, 'utf8'));
  for (const [index, { rows }] of workloads.entries()) {
    expect(Object.keys(rows).sort()).toEqual(['ceiling', 'hit', 'miss', 'stock']);
    const cpu = (row: string) => rows[row][0].cpuPer1000Queries;
    // One round, so that each median is the figure of the round.
    const figures = (row: string) => [
      cpu(row).toFixed(3),
      ...['ceiling', 'stock'].map((other) => (cpu(row) / cpu(other)).toFixed(2)),
    ];
    const cells = tableLines[index]?.split(' | ').slice(2, 9);
    expect(cells).toEqual([...figures('hit'), ...figures('miss'), cpu('stock').toFixed(3)]);
  }
  expect(workloads[0].rows.miss[0].upstreamCallsPerQuery).toBe(1);
  expect(workloads[0].rows.stock[0].upstreamCallsPerQuery).toBe(1);
  expect(workloads[1].rows.stock[0].upstreamCallsPerQuery).toBeGreaterThan(7); // A page and its 7 or 8 files.
  for (const start of [...starts.gateway, ...starts.stock]) expect(start.firstResponseMs).toBeGreaterThan(0);
  expect(coldCounts).toEqual([
    { name: 'one query of W1', fresh: 1, hot: 1 },
    { name: 'one query of W2', fresh: 2, hot: 2 },
    { name: 'one query of W3', fresh: 1, hot: 1 },
    { name: 'one query of W4', fresh: 5, hot: 5 },
    { name: 'one query of W5', fresh: 2, hot: 2 },
    { name: 'one query of W6', fresh: 5, hot: 5 },
    { name: '20 jobs, each with its training file', fresh: 2, hot: 2 },
    { name: 'the same, from 100 clients at once', fresh: 2, hot: 2 },
    { name: 'one job with events, checkpoints and all its files', fresh: 6, hot: 6 },
    { name: '50 jobs, each with its base model and its fine-tuned model', fresh: 2, hot: 2 },
  ]);
});

test('the growth benchmark measures queries of all sizes, and subscribers', { timeout: 180_000 }, async () => {
  const { stdout } = await bench('growth', '--rounds', '1', '--seconds', '0.01', '--subscribers', '2');
  const lines = [...stdout.matchAll(/^\| ([^|\n]+) \| ([\d,]+) \| ([\d.]+) \| (-?[\d.]*) \| ([\d.]*) \|$/gm)];
  const sizes = Map.groupBy(lines, ([, measure]) => measure);
  expect([...sizes].map(([measure, ofMeasure]) => [measure, ofMeasure.map(([, , size]) => size)])).toEqual([
    ['jobs per page', ['1', '20', '100']],
    ['aliases per query', ['1', '10']],
    ['kB of the body of a job', ['1', '10', '100']],
    ['steps in an event log', ['100', '1,000', '10,000']],
    ['subscribers to a job', ['2']],
  ]);
  for (const [, , , miss] of lines) expect(Number(miss)).toBeGreaterThan(0);
});

test('an upload of 128 MiB uses far less memory of the gateway, by the upload benchmark', async () => {
  const { stdout } = await bench('upload', '--mb', '128', '--at-once', '1');
  expect(stdout).toMatch(/^\| 1 \| [^\n]*\| within \|$/m);
});

test('the benchmark rejects an invalid option', async () => {
  await expect(bench('bench', '--rounds', 'many')).rejects.toMatchObject({
    code: 1,
    stderr: '--rounds: many is not a whole number from 1 to 100.\n',
  });
});

test('the benchmark rejects a row with wrong data', async () => {
  const server = createServer((_, response) => response.end('{"data":{"fineTuningJob":null}}'));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const row = { name: 'liar', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const queries = [{ body: '{}', data: { fineTuningJob: { id: 'ftjob-1' } } }];
  await expect(checkResponses(row, { queries })).rejects.toThrow('liar returned wrong data');
});

test('the benchmark reports why a row does not start', async () => {
  const gateway = new URL('../../../src/main.ts', import.meta.url);
  await expect(startProcess('gateway', gateway, { PORT: 'x' })).rejects.toThrow('PORT: "x" is not a whole number');
});
