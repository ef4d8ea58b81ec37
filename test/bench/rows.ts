import { type MeasuredProcess, startProcess } from './process.ts';

/** What is measured, each in a process of its own. */
export interface Rows {
  /** Answers from memory what it was told: what an HTTP server in Node can do at best. */
  readonly ceiling: MeasuredProcess;
  /** Asks the upstream for every query, but for what is asked at the same moment. */
  readonly fresh: MeasuredProcess;
  /** As `npm start` runs it. */
  readonly hot: MeasuredProcess;
}

/** Starts every row; `opened` ends them. */
export async function openRows(upstreamUrl: string, opened: AsyncDisposableStack): Promise<Rows> {
  const start = async (name: string, program: string, environment: Record<string, string>) =>
    opened.use(await startProcess(name, new URL(program, import.meta.url), environment));
  const gateway = (name: string, settings: Record<string, string>) =>
    start(name, '../../src/main.ts', {
      PORT: '0',
      LOG_LEVEL: 'info',
      RATE_LIMIT_PER_MINUTE: '1000000000', // All come from one caller.
      OPENAI_BASE_URL: upstreamUrl,
      OPENAI_API_KEY: crypto.randomUUID(),
      ...settings,
    });
  return {
    ceiling: await start('static', './static.ts', {}),
    fresh: await gateway('gateway, caches 0 ms', { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' }),
    hot: await gateway('gateway, defaults', {}),
  };
}
