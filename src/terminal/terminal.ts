import type { Clock } from '../clock.ts';
import { endOf } from './describe.ts';
import { createGatewayClient } from './gateway-client.ts';
import { createFollower } from './job-follower.ts';
import { createJobTable } from './job-table.ts';
import { usageErrorOf } from './terminal-errors.ts';
import { createLineView, createTerminalView, type Output } from './view.ts';

export interface TerminalOptions {
  /** URL of the gateway. */
  readonly url: string;
  readonly token: string | undefined;
  /** The job to follow; undefined for all active jobs. */
  readonly jobId: string | undefined;
  readonly output: Output;
  readonly isColored: boolean;
  readonly clock: Clock;
  /** Ends the client and restores the output. */
  readonly signal: AbortSignal;
}

/** A running terminal client. */
export interface RunningTerminal {
  /** Resolves to whether the one job succeeded, or to null when aborted before. Rejects with a UsageError. */
  readonly ended: Promise<boolean | null>;
  /** Redraws, because time has passed or the terminal has another size. */
  refresh(): void;
}

/** Shows the current jobs of a gateway and follows their changes. */
export function showTerminal(options: TerminalOptions): RunningTerminal {
  const { url, token, jobId, output, isColored, clock, signal } = options;
  const table = createJobTable();
  const heading = `${jobId === undefined ? 'Fine-tuning jobs' : `Fine-tuning job ${jobId}`} at ${url}`;
  const view = (output.isTTY ? createTerminalView : createLineView)({ output, table, clock, heading, isColored });
  const client = createGatewayClient({
    url,
    token,
    clock,
    onConnection(isConnected) {
      if (isConnected && !table.isConnected) follower.catchUp();
      table.isConnected = isConnected;
      view.show();
    },
  });
  const ending = new AbortController();
  const follower = createFollower({
    client,
    table,
    jobId,
    max: view.maxFollowed,
    onChange: view.show,
    signal: AbortSignal.any([signal, ending.signal]),
  });

  async function run(): Promise<boolean | null> {
    try {
      const job = await Promise.race([follower.run(), aborted(signal)]);
      view.show();
      view.close(job ? endOf(job) : undefined);
      return job ? job.status === 'SUCCEEDED' : null;
    } catch (error) {
      view.close();
      throw usageErrorOf(error, options);
    } finally {
      ending.abort();
    }
  }

  view.show();
  return {
    ended: run(),
    refresh() {
      follower.followVisible();
      view.show();
    },
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
