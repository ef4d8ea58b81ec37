import type { CheckedResponses } from './check.ts';
import { load, toRequest } from './load.ts';
import { percentile } from './numbers.ts';
import type { MeasuredProcess } from './process.ts';
import type { Stub } from './stub.ts';

/** Measurement of one row in one round. */
export interface Sample {
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU seconds of the row's process, user and system. */
  readonly cpuPer1000Queries: number;
  readonly upstreamCallsPerQuery: number;
}

export interface SampleOptions {
  stub: Stub;
  seconds: number;
  connections: number;
  signal: AbortSignal;
}

export async function takeSample(
  row: MeasuredProcess,
  responses: CheckedResponses,
  options: SampleOptions,
): Promise<Sample> {
  const url = new URL(row.url);
  const exchanges = responses.map(([body, response]) => ({
    request: toRequest(url, body),
    responseLength: Buffer.byteLength(response),
  }));
  const callsBefore = await options.stub.calls();
  const cpuBefore = await row.cpuSeconds();
  const { seconds, latenciesMs } = await load(url, exchanges, options);
  const cpuSeconds = (await row.cpuSeconds()) - cpuBefore;
  const callsAfter = await options.stub.calls();
  const queries = latenciesMs.length;
  return {
    queriesPerSecond: queries / seconds,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    cpuPer1000Queries: (cpuSeconds / queries) * 1000,
    upstreamCallsPerQuery: (callsAfter - callsBefore) / queries,
  };
}
