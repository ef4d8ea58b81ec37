import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { checkedAnswers } from '../../bench/check.ts';
import { startProcess } from '../../bench/process.ts';
import { workloadNames } from '../../bench/workload.ts';

const bench = (...options: string[]) =>
  promisify(execFile)(process.execPath, [fileURLToPath(new URL('../../bench/bench.ts', import.meta.url)), ...options]);

test('the benchmark measures every row of all workloads, and counts cold calls', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const out = join(folder, 'bench.json');
  const { stdout } = await bench('--rounds', '1', '--seconds', '0.05', '--out', out);
  for (const name of workloadNames) expect(stdout).toContain(`### ${name}: `);
  for (const row of ['static', 'gateway, caches 0 ms', 'gateway, defaults']) {
    expect(stdout.split(`\n| ${row} | `)).toHaveLength(1 + workloadNames.length);
  }
  expect(stdout).not.toContain('NaN');
  const { workloads, coldCounts } = JSON.parse(await readFile(out, 'utf8'));
  expect(workloads[0].rows[1].samples[0].upstreamCallsPerQuery).toBe(1);
  expect(coldCounts).toEqual([
    { what: 'one query of W1', fresh: 1, hot: 1 },
    { what: 'one query of W2', fresh: 2, hot: 2 },
    { what: 'one query of W3', fresh: 1, hot: 1 },
    { what: 'one query of W4', fresh: 5, hot: 5 },
    { what: 'one query of W5', fresh: 2, hot: 2 },
    { what: 'one query of W6', fresh: 5, hot: 5 },
    { what: '20 jobs, each with its training file', fresh: 2, hot: 2 },
    { what: 'the same, from 100 at once', fresh: 2, hot: 2 },
    { what: 'one job with events, checkpoints and all its files', fresh: 6, hot: 6 },
    { what: '50 jobs, each with its model and the one it made', fresh: 2, hot: 2 },
  ]);
});

test('an upload of 128 MiB costs the gateway far less memory than that, by the benchmark of uploads', async () => {
  const program = fileURLToPath(new URL('../../bench/upload.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--mb', '128', '--at-once', '1']);
  expect(stdout).toMatch(/^\| 1 \| [^\n]*\| within \|$/m);
});

test('the benchmark refuses an option that it cannot understand', async () => {
  await expect(bench('--rounds', 'many')).rejects.toMatchObject({ code: 1, stderr: '--rounds: expected 1 to 100.\n' });
});

test('a row that answers anything but what the upstream says is not measured', async () => {
  const server = createServer((_, response) => response.end('{"data":{"fineTuningJob":null}}'));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const row = { name: 'liar', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const queries = [{ question: '{}', data: { fineTuningJob: { id: 'ftjob-1' } } }];
  await expect(checkedAnswers(row, { queries })).rejects.toThrow('liar answers wrongly');
});

test('a row that does not start says why', async () => {
  const gateway = new URL('../../../src/main.ts', import.meta.url);
  await expect(startProcess('gateway', gateway, { PORT: 'x' })).rejects.toThrow('PORT: "x" is not a whole number');
});
