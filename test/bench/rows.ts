import { type MeasuredProcess, startProcess } from './process.ts';

/** Node flags of `npm start`. */
const START_FLAGS = ['--max-semi-space-size=8'];

/** The measured servers, each in a process of its own. */
export interface Rows {
  /** Returns prepared responses: the upper bound of an HTTP server in Node. */
  readonly ceiling: MeasuredProcess;
  /** A gateway without a cache; only equal reads at the same time share an upstream call. */
  readonly fresh: MeasuredProcess;
  /** A gateway with default settings. */
  readonly hot: MeasuredProcess;
}

const NO_CACHE = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

/** Starts all rows; `opened` disposes them. */
export async function openRows(upstreamUrl: string, opened: AsyncDisposableStack): Promise<Rows> {
  return {
    ceiling: opened.use(await startProcess('static', new URL('./static.ts', import.meta.url), {})),
    fresh: opened.use(await startGateway('gateway, caches 0 ms', upstreamUrl, NO_CACHE)),
    hot: opened.use(await startGateway('gateway, defaults', upstreamUrl)),
  };
}

/** Starts a gateway that calls this upstream. */
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
    RATE_LIMIT_PER_MINUTE: '1000000000', // All requests come from one caller.
    UPSTREAM_MAX_RPS: '100000', // The limit is for real upstreams.
    ...settings,
  };
  return startProcess(name, new URL('../../src/main.ts', import.meta.url), environment, [...START_FLAGS, ...flags]);
}
