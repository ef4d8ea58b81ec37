import { startProcess } from './process.ts';
import type { Orders } from './upstream.ts';

/** A simulated upstream in a process of its own. */
export interface Stub extends AsyncDisposable {
  readonly baseUrl: string;
  /** How many requests it has answered so far. */
  calls(): Promise<number>;
  /** From now on every answer waits so long. */
  setLatency(ms: number): Promise<void>;
}

/** Starts the upstream of the benchmark, which always says the same and as cheaply as a server can. */
export function startStub(): Promise<Stub> {
  return startUpstream('stub', './stub-server.ts');
}

/** Starts a simulated upstream by its program. */
export async function startUpstream(
  name: string,
  program: string,
  environment: Record<string, string> = {},
): Promise<Stub> {
  const upstream = await startProcess(name, new URL(program, import.meta.url), environment);
  const tell = (orders: Orders) => upstream.ask(orders) as ReturnType<Stub['calls']>; // What `serve` answers.
  return {
    baseUrl: upstream.url,
    calls: () => tell({}),
    async setLatency(latencyMs) {
      await tell({ latencyMs });
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}
