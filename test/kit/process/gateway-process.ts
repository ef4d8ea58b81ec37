import { readFileSync } from 'node:fs';
import type { GraphqlResponse } from '../gateway/gateway.ts';
import { startScript } from './process.ts';

/** A gateway in its own process, whose memory and CPU time are those of the gateway alone. Linux only. */
export interface GatewayProcess extends AsyncDisposable {
  readonly url: string;
  /** Everything on both outputs so far. */
  readonly output: { text: string };
  query(query: string, headers?: Record<string, string>): Promise<GraphqlResponse>;
  signal(name: NodeJS.Signals): void;
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  /** Peak of its resident memory in MiB. */
  peakMib(): number;
  /** CPU time so far in seconds, of all threads. */
  cpuSeconds(): number;
}

/** Only Linux reports the memory of another process. */
export const canMeasureProcesses = process.platform === 'linux';

export async function startGatewayProcess(
  upstreamUrl: string,
  settings: Record<string, string> = {},
): Promise<GatewayProcess> {
  const gateway = startScript('src/main.ts', [], {
    PORT: '0',
    OPENAI_BASE_URL: upstreamUrl,
    OPENAI_API_KEY: 'test-key-example',
    UPSTREAM_RETRIES: '0',
    UPSTREAM_TIMEOUT_MS: '120000',
    ...settings,
  });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  return {
    url,
    output: gateway.output,
    signal: gateway.signal,
    ended: gateway.ended,
    async query(query, headers = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
      return (await response.json()) as GraphqlResponse; // The shape of every GraphQL response.
    },
    peakMib() {
      const [, kib = ''] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8')) ?? [];
      return Number(kib) / 1024;
    },
    cpuSeconds() {
      const fields = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND; // User and system mode.
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

const CLOCK_TICKS_PER_SECOND = 100;
