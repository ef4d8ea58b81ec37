import type { ColdCount } from './cold.ts';
import { median } from './numbers.ts';
import type { RowName } from './rows.ts';
import type { BenchResult, WorkloadResult } from './run.ts';
import type { Sample } from './sample.ts';
import { startTable } from './start-time.ts';

/** All measurements: the content of the JSON file. */
export interface Report extends BenchResult {
  readonly when: string;
  readonly node: string;
  /** Number of CPU cores of the machine. */
  readonly cores: number;
  readonly rounds: number;
  readonly seconds: number;
}

const header = `| | static | hit | ÷ static | ÷ stock | miss | ÷ static | ÷ stock | stock | p50 / p99 ms: hit | miss | stock | upstream calls: hit | miss | stock |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|`;

const legend = `CPU seconds of the server's process per 1,000 queries, and ratios of them. Hit: the gateway with default settings.
Miss: the gateway with caches of 0 ms. Static: a bare node:http server with the same responses. Stock: graphql-yoga with DataLoader.
Latencies are under full load, with all processes on one machine. Upstream calls are per query. Medians of all rounds.`;

/** The report as Markdown. */
export function toMarkdown({ node, cores, rounds, seconds, workloads, starts, coldCounts }: Report): string {
  const title = `Node ${node}, ${cores} cores, ${rounds} × ${seconds} s per cell, all in turn, after a warm-up of twice ${seconds} s.`;
  const table = [header, ...workloads.map(line)].join('\n');
  const descriptions = workloads.map(describe).join('\n');
  return `${[title, table, legend, descriptions, startTable(starts), coldTable(coldCounts)].join('\n\n')}\n`;
}

function describe({ name, description, connections, latencyMs }: WorkloadResult): string {
  return `- ${name}: ${description}; ${connections} connections${latencyMs > 0 ? `, upstream ${latencyMs} ms` : ''}`;
}

function line({ name, rows }: WorkloadResult): string {
  const medianOf = (row: RowName, figure: keyof Sample, digits: number) =>
    median(rows[row].map((sample) => sample[figure])).toFixed(digits);
  const cpu = (row: RowName) => medianOf(row, 'cpuPer1000Queries', 3);
  const latencies = (row: RowName) => `${medianOf(row, 'p50Ms', 1)} / ${medianOf(row, 'p99Ms', 1)}`;
  const ratios = (row: RowName) => [ratio(rows[row], rows.ceiling), ratio(rows[row], rows.stock)];
  const gatewayRows = ['hit', 'miss'] as const;
  const allRows = [...gatewayRows, 'stock'] as const;
  const cells = [
    ...[name, cpu('ceiling')],
    ...gatewayRows.flatMap((row) => [cpu(row), ...ratios(row)]),
    cpu('stock'),
    ...allRows.map(latencies),
    ...allRows.map((row) => medianOf(row, 'upstreamCallsPerQuery', 2)),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The median of the ratios of CPU time within each round. */
function ratio(samples: readonly Sample[], others: readonly Sample[]): string {
  const cpuOf = (sample: Sample | undefined) => sample?.cpuPer1000Queries ?? Number.NaN;
  return median(samples.map((sample, round) => cpuOf(sample) / cpuOf(others[round]))).toFixed(2);
}

function coldTable(counts: readonly ColdCount[]): string {
  const lines = counts.map(({ name, fresh, hot }) => `| ${name} | ${fresh} | ${hot} |`);
  return `| upstream calls with an empty cache | caches of 0 ms | defaults |\n|---|---:|---:|\n${lines.join('\n')}`;
}
