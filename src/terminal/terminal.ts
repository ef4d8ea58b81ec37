import type { Clock } from '../clock.ts';
import { endOf } from './describe.ts';
import { createFeed } from './gateway-client.ts';
import { createFollower } from './job-follower.ts';
import { createBoard } from './job-table.ts';
import { faultOf } from './terminal-errors.ts';
import { createPicture, createPlainView, type Output } from './view.ts';

export interface PictureOptions {
  /** Of the gateway. */
  readonly url: string;
  readonly token: string | undefined;
  /** The one job to show; all that move without. */
  readonly jobId: string | undefined;
  readonly output: Output;
  readonly isColoured: boolean;
  readonly clock: Clock;
  /** Ends it, and leaves the output clean. */
  readonly signal: AbortSignal;
}

/** A picture that is shown. */
export interface Showing {
  /** Whether the one job has succeeded, at its end; null when it was told to end before. Rejects with a `Fault`. */
  readonly ended: Promise<boolean | null>;
  /** Draws it again, as time has passed or the terminal has another size. */
  refresh(): void;
}

/** Shows jobs as they are now at a gateway, and goes on while they move. */
export function showPicture(options: PictureOptions): Showing {
  const { url, token, jobId, output, isColoured, clock, signal } = options;
  const board = createBoard();
  const heading = `${jobId === undefined ? 'Fine-tuning jobs' : `Fine-tuning job ${jobId}`} at ${url}`;
  const view = (output.isTTY ? createPicture : createPlainView)({ output, board, clock, heading, isColoured });
  const feed = createFeed({
    url,
    token,
    clock,
    onConnection(isConnected) {
      if (isConnected && !board.isConnected) follower.catchUp();
      board.isConnected = isConnected;
      view.show();
    },
  });
  const over = new AbortController();
  const follower = createFollower({
    feed,
    board,
    jobId,
    most: view.most,
    onChange: view.show,
    signal: AbortSignal.any([signal, over.signal]),
  });

  async function run(): Promise<boolean | null> {
    try {
      const job = await Promise.race([follower.run(), aborted(signal)]);
      view.show();
      view.close(job ? endOf(job) : undefined);
      return job ? job.status === 'SUCCEEDED' : null;
    } catch (error) {
      view.close();
      throw faultOf(error, options);
    } finally {
      over.abort();
    }
  }

  view.show();
  return {
    ended: run(),
    refresh() {
      follower.attend();
      view.show();
    },
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
