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

test('the benchmark measures every row of all workloads, and counts cold calls', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const out = join(folder, 'bench.json');
  const { stdout } = await bench('bench', '--rounds', '1', '--seconds', '0.05', '--out', out);
  for (const name of workloadNames) expect(stdout).toContain(`### ${name}: `);
  for (const row of ['static', 'gateway, caches 0 ms', 'gateway, defaults']) {
    expect(stdout.split(`\n| ${row} | `)).toHaveLength(1 + workloadNames.length);
  }
  expect(stdout).not.toContain('NaN');
  const { workloads, coldCounts } = JSON.parse(await readFile(out, 'utf8'));
  expect(workloads[0].rows[1].samples[0].upstreamCallsPerQuery).toBe(1);
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
