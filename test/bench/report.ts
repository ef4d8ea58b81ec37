import type { ColdCount } from './cold.ts';
import { median } from './numbers.ts';
import type { BenchResult, RowResult, WorkloadResult } from './run.ts';
import type { Sample } from './sample.ts';

/** All measurements: the content of the JSON file. */
export interface Report extends BenchResult {
  readonly when: string;
  readonly node: string;
  readonly rounds: number;
  readonly seconds: number;
}

const legend = `Read \`× static\` first: the CPU time of the gateway divided by that of a bare node:http server with the same responses, in
the same round. It is comparable between machines. Rates and latencies are under full load, with the load generator and
the stub on the same machine. Every figure is the median of the rounds.`;

const header = `| row | CPU s per 1,000 | × static | queries/s (min–max) | p50 ms | p99 ms | upstream calls per query |
|---|---:|---:|---:|---:|---:|---:|`;

/** The report as Markdown. */
export function toMarkdown({ node, rounds, seconds, workloads, coldCounts }: Report): string {
  const title = `Node ${node}, ${rounds} × ${seconds} s per row, alternating after a warm-up.`;
  return `${[title, ...workloads.map(table), legend, coldTable(coldCounts)].join('\n\n')}\n`;
}

function table({ name, description, connections, latencyMs, rows }: WorkloadResult): string {
  const [ceiling] = rows;
  const lines = rows.map((row) => line(row, ceiling?.samples ?? []));
  const load = `${connections} connections${latencyMs > 0 ? `, upstream ${latencyMs} ms` : ''}`;
  return `### ${name}: ${description}, ${load}\n\n${[header, ...lines].join('\n')}`;
}

function coldTable(counts: readonly ColdCount[]): string {
  const lines = counts.map(({ name, fresh, hot }) => `| ${name} | ${fresh} | ${hot} |`);
  const header = '| query | gateway, caches 0 ms | gateway, defaults |\n|---|---:|---:|';
  return `### Upstream calls with an empty cache\n\n${[header, ...lines].join('\n')}`;
}

function line({ row, samples }: RowResult, ceiling: readonly Sample[]): string {
  const figures = (read: (sample: Sample) => number) => samples.map(read);
  const medianOf = (read: (sample: Sample) => number, digits: number) => median(figures(read)).toFixed(digits);
  const rates = figures(({ queriesPerSecond }) => queriesPerSecond);
  const ratios = samples.map(
    (sample, round) => sample.cpuPer1000Queries / (ceiling[round]?.cpuPer1000Queries ?? Number.NaN),
  );
  const cells = [
    row,
    medianOf(({ cpuPer1000Queries }) => cpuPer1000Queries, 3),
    median(ratios).toFixed(2),
    `${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)})`,
    medianOf(({ p50Ms }) => p50Ms, 2),
    medianOf(({ p99Ms }) => p99Ms, 2),
    medianOf(({ upstreamCallsPerQuery }) => upstreamCallsPerQuery, 2),
  ];
  return `| ${cells.join(' | ')} |`;
}
