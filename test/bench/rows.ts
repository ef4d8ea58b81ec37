import { type MeasuredProcess, startProcess } from './process.ts';

/** A program that prints its URL, with what it needs to start. */
export interface ServerProgram {
  readonly name: string;
  readonly program: URL;
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags: readonly string[];
}

/** Node flags of `npm start`. */
const START_FLAGS = ['--max-semi-space-size=8'];

/** The measured servers, each in a process of its own. */
export interface Rows {
  /** Returns prepared responses: the upper bound of an HTTP server in Node. */
  readonly ceiling: MeasuredProcess;
  /** A gateway with default settings: cache hits. */
  readonly hit: MeasuredProcess;
  /** A gateway without a cache; only equal reads at the same time share an upstream call. */
  readonly miss: MeasuredProcess;
  /** A plain graphql-yoga server with DataLoader. */
  readonly stock: MeasuredProcess;
}

export type RowName = keyof Rows;

/** Settings of a gateway without a cache. */
export const NO_CACHE = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

/** Starts all rows, the gateways with further flags of Node; `opened` disposes them. */
export async function openRows(
  upstreamUrl: string,
  opened: AsyncDisposableStack,
  flags: readonly string[],
): Promise<Rows> {
  return {
    ceiling: opened.use(await startProcess('static', new URL('./static.ts', import.meta.url), {})),
    hit: opened.use(await startGateway('gateway, defaults', upstreamUrl, {}, flags)),
    miss: opened.use(await startGateway('gateway, caches 0 ms', upstreamUrl, NO_CACHE, flags)),
    stock: opened.use(await startServer(stockProgram(upstreamUrl))),
  };
}

/** Starts a gateway that calls this upstream. */
export function startGateway(
  name: string,
  upstreamUrl: string,
  settings: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<MeasuredProcess> {
  const gateway = gatewayProgram(upstreamUrl, settings);
  return startServer({ ...gateway, name, flags: [...gateway.flags, ...flags] });
}

/** The gateway as `npm start` starts it, with a caller that sends any number of queries. */
export function gatewayProgram(upstreamUrl: string, settings: Readonly<Record<string, string>> = {}): ServerProgram {
  const environment = {
    PORT: '0',
    LOG_LEVEL: 'info',
    OPENAI_BASE_URL: upstreamUrl,
    OPENAI_API_KEY: crypto.randomUUID(),
    RATE_LIMIT_PER_MINUTE: '1000000000', // All requests come from one caller.
    UPSTREAM_MAX_RPS: '100000', // The limit is for real upstreams.
    ...settings,
  };
  return { name: 'gateway', program: new URL('../../src/main.ts', import.meta.url), environment, flags: START_FLAGS };
}

/** The graphql-yoga server with DataLoader. */
export function stockProgram(upstreamUrl: string): ServerProgram {
  const program = new URL('./stock-gateway.ts', import.meta.url);
  return { name: 'stock', program, environment: { OPENAI_BASE_URL: upstreamUrl }, flags: [] };
}

function startServer({ name, program, environment, flags }: ServerProgram): Promise<MeasuredProcess> {
  return startProcess(name, program, environment, flags);
}
