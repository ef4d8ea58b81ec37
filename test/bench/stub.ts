import { startProcess } from './process.ts';
import type { UpstreamCommand } from './upstream.ts';

/** A simulated upstream in a process of its own. */
export interface Stub extends AsyncDisposable {
  readonly baseUrl: string;
  /** Number of requests so far. */
  calls(): Promise<number>;
  /** Sets the delay of all further responses. */
  setLatency(ms: number): Promise<void>;
}

/** Starts the upstream of the benchmark, with constant and prepared responses. */
export function startStub(): Promise<Stub> {
  return startUpstream('stub', './stub-server.ts');
}

/** Starts a simulated upstream from its program. */
export async function startUpstream(
  name: string,
  program: string,
  environment: Record<string, string> = {},
): Promise<Stub> {
  const upstream = await startProcess(name, new URL(program, import.meta.url), environment);
  const send = (command: UpstreamCommand) => upstream.send(command) as ReturnType<Stub['calls']>; // The reply of `serve`.
  return {
    baseUrl: upstream.url,
    calls: () => send({}),
    async setLatency(latencyMs) {
      await send({ latencyMs });
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}
