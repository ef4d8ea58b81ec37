import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { postGraphql } from './http-client.ts';
import { median } from './numbers.ts';
import { printedUrl } from './process.ts';
import { gatewayProgram, type ServerProgram, stockProgram } from './rows.ts';

/** One start of a server. */
export interface Start {
  /** Time from the start of its process to its first response. */
  readonly firstResponseMs: number;
  /** Resident memory after that response and five seconds without requests, in bytes. On Linux only, otherwise null. */
  readonly residentBytes: number | null;
}

/** Starts of both servers in the same rounds. */
export interface StartResult {
  readonly gateway: readonly Start[];
  readonly stock: readonly Start[];
}

/** Longer than a gateway waits before it collects the garbage of its start. */
const REST_MS = 5_000;

/** Starts both servers in turn. The first round is not counted: it fills the caches of the file system and of compiled code. */
export async function measureStarts(
  upstreamUrl: string,
  requestBody: string,
  rounds: number,
  signal: AbortSignal,
): Promise<StartResult> {
  const result: Record<keyof StartResult, Start[]> = { gateway: [], stock: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, server] of [
      ['gateway', gatewayProgram(upstreamUrl)],
      ['stock', stockProgram(upstreamUrl)],
    ] as const) {
      signal.throwIfAborted();
      const start = await measureStart(server, requestBody);
      if (round > 0) result[name].push(start);
    }
  }
  return result;
}

/** Starts a server without the meter, which would be a part of its start, and ends it. */
async function measureStart({ name, program, environment, flags }: ServerProgram, body: string): Promise<Start> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...flags, fileURLToPath(program)], {
    env: { NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  try {
    const { url, text } = printedUrl(child.stderr);
    const exit = closed.then(() => Promise.reject(new Error(`${name} exited. Its output:\n${text()}`)));
    const response = await postGraphql(await Promise.race([url, exit]), body);
    const firstResponseMs = performance.now() - startedAt;
    if (!response.startsWith('{"data":{')) throw new Error(`${name} failed: ${response.slice(0, 1_000)}`);
    await sleep(REST_MS);
    return { firstResponseMs, residentBytes: await residentBytes(child.pid) };
  } finally {
    child.kill();
    await closed;
  }
}

async function residentBytes(pid: number | undefined): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? null : 1024 * Number(kilobytes);
}

/** The starts as a table in Markdown: medians. */
export function startTable({ gateway, stock }: StartResult): string {
  const ms = (starts: readonly Start[]) => median(starts.map(({ firstResponseMs }) => firstResponseMs));
  const mib = (starts: readonly Start[]) => median(starts.flatMap((start) => start.residentBytes ?? [])) / 1024 ** 2;
  const line = (name: string, read: typeof ms) => {
    const [ours, theirs] = [read(gateway), read(stock)];
    const cells = Number.isNaN(ours)
      ? ['unknown', 'unknown', '']
      : [ours.toFixed(0), theirs.toFixed(0), (ours / theirs).toFixed(2)];
    return `| ${[name, ...cells].join(' | ')} |`;
  };
  return `| start | gateway | stock | ÷ stock |
|---|---:|---:|---:|
${line('from the start of the process to the first response, ms', ms)}
${line('resident memory at rest, MiB', mib)}`;
}
