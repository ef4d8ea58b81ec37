import type { ColdCount } from './cold.ts';
import { median } from './numbers.ts';
import type { Outcome, RowOutcome, WorkloadOutcome } from './run.ts';
import type { Sample } from './sample.ts';

/** What was measured, and when: the whole of the JSON file. */
export interface Report extends Outcome {
  readonly when: string;
  readonly node: string;
  readonly rounds: number;
  readonly seconds: number;
}

const legend = `Read \`× static\` first: the gateway's processor time beside that of a bare node:http server that answers the same bytes,
each round compared with itself, so that it means the same on any machine. Rates and times are under full load, where
the load and the stub take their share of the machine. Every figure is the median of the rounds.`;

const header = `| row | CPU s per 1,000 | × static | queries/s (min–max) | p50 ms | p99 ms | upstream calls per query |
|---|---:|---:|---:|---:|---:|---:|`;

/** The report for people. */
export function toMarkdown({ node, rounds, seconds, workloads, coldCounts }: Report): string {
  const title = `Node ${node}, ${rounds} × ${seconds} s a row, in turns after a warm-up.`;
  return `${[title, ...workloads.map(table), legend, coldTable(coldCounts)].join('\n\n')}\n`;
}

function table({ name, what, connections, latencyMs, rows }: WorkloadOutcome): string {
  const [ceiling] = rows;
  const lines = rows.map((row) => line(row, ceiling?.samples ?? []));
  const how = `${connections} connections${latencyMs > 0 ? `, upstream ${latencyMs} ms` : ''}`;
  return `### ${name}: ${what}, ${how}\n\n${[header, ...lines].join('\n')}`;
}

function coldTable(counts: readonly ColdCount[]): string {
  const lines = counts.map(({ what, fresh, hot }) => `| ${what} | ${fresh} | ${hot} |`);
  const header = '| asked cold | gateway, caches 0 ms | gateway, defaults |\n|---|---:|---:|';
  return `### Upstream calls when nothing is known\n\n${[header, ...lines].join('\n')}`;
}

function line({ row, samples }: RowOutcome, ceiling: readonly Sample[]): string {
  const figures = (read: (sample: Sample) => number) => samples.map(read);
  const middle = (read: (sample: Sample) => number, digits: number) => median(figures(read)).toFixed(digits);
  const rates = figures(({ queriesPerSecond }) => queriesPerSecond);
  const ratios = samples.map(
    (sample, round) => sample.cpuPer1000Queries / (ceiling[round]?.cpuPer1000Queries ?? Number.NaN),
  );
  const cells = [
    row,
    middle(({ cpuPer1000Queries }) => cpuPer1000Queries, 3),
    median(ratios).toFixed(2),
    `${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)})`,
    middle(({ p50Ms }) => p50Ms, 2),
    middle(({ p99Ms }) => p99Ms, 2),
    middle(({ upstreamCallsPerQuery }) => upstreamCallsPerQuery, 2),
  ];
  return `| ${cells.join(' | ')} |`;
}
