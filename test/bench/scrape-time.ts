import type { ClientCommand } from './live-clients.ts';
import { startMany } from './live-run.ts';
import { startProcess } from './process.ts';

/** Streams that are open during the scrapes. */
export const STREAMS = 10_000;
const JOBS = '100';
const OPEN_AT_ONCE = 250;
const SCRAPES = 20;

/** A port that the benchmarks do not use otherwise: the measured process does not tell a random one. */
const METRICS_PORT = '19464';

/** Milliseconds of the longest of 20 scrapes with STREAMS open SSE streams, and the bytes of its text. */
export async function measureScrape(signal: AbortSignal): Promise<{ readonly maxMs: number; readonly bytes: number }> {
  await using opened = new AsyncDisposableStack();
  const start = async (program: string, environment: Record<string, string>) =>
    opened.use(await startProcess(program, new URL(`./live-${program}.ts`, import.meta.url), environment));
  const upstream = await start('upstream', { JOBS });
  const gateway = opened.use(await startMany(upstream.url, { METRICS_PORT }));
  const clients = await start('clients', { JOBS, URL: gateway.url });
  for (let left = STREAMS; left > 0; left -= OPEN_AT_ONCE) {
    signal.throwIfAborted();
    await clients.send({ open: OPEN_AT_ONCE } satisfies ClientCommand);
  }
  let [maxMs, bytes] = [0, 0];
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    signal.throwIfAborted();
    const startedAt = performance.now();
    const text = await (await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`)).text();
    [maxMs, bytes] = [Math.max(maxMs, performance.now() - startedAt), Buffer.byteLength(text)];
    const open = Number(/^finetune_streams\{finetune_transport="sse"[^}]*\} (\d+)/m.exec(text)?.[1]);
    if (open !== STREAMS) throw new Error(`/metrics counts ${open} streams; expected ${STREAMS}.`);
  }
  return { maxMs, bytes };
}
