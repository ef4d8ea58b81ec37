import { type MeasuredProcess, startProcess } from './process.ts';

/** What `npm start` tells Node. */
const START_FLAGS = ['--max-semi-space-size=8'];

/** What is measured, each in a process of its own. */
export interface Rows {
  /** Answers from memory what it was told: what an HTTP server in Node can do at best. */
  readonly ceiling: MeasuredProcess;
  /** Asks the upstream for every query, but for what is asked at the same moment. */
  readonly fresh: MeasuredProcess;
  /** As `npm start` runs it. */
  readonly hot: MeasuredProcess;
}

/** The settings of a gateway that keeps nothing. */
const KEEPS_NOTHING = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

/** Starts every row; `opened` ends them. */
export async function openRows(upstreamUrl: string, opened: AsyncDisposableStack): Promise<Rows> {
  return {
    ceiling: opened.use(await startProcess('static', new URL('./static.ts', import.meta.url), {})),
    fresh: opened.use(await startGateway('gateway, caches 0 ms', upstreamUrl, KEEPS_NOTHING)),
    hot: opened.use(await startGateway('gateway, defaults', upstreamUrl)),
  };
}

/** Starts a gateway before this upstream. */
export function startGateway(
  name: string,
  upstreamUrl: string,
  settings: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<MeasuredProcess> {
  const environment = {
    PORT: '0',
    LOG_LEVEL: 'info',
    OPENAI_BASE_URL: upstreamUrl,
    OPENAI_API_KEY: crypto.randomUUID(),
    RATE_LIMIT_PER_MINUTE: '1000000000', // All come from one caller, and are counted.
    UPSTREAM_MAX_RPS: '100000', // The pace is for real upstreams; the stub is there to be asked.
    ...settings,
  };
  return startProcess(name, new URL('../../src/main.ts', import.meta.url), environment, [...START_FLAGS, ...flags]);
}
