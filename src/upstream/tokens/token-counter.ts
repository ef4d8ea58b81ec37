import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import type { CountRequest, CountResponse } from './count-worker.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Counts tokens in a thread, which starts at the first count and ends when there was none for a minute. */
export interface TokenCounter {
  /** Returns the tokens of each group of texts. Rejects when the thread fails, or is disposed. */
  count(tokenizer: Tokenizer, groups: readonly (readonly string[])[]): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

const IDLE_MS = 60_000;
/** Both tokenizers take 60 MiB; the rest is for texts. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 };

interface Waiting {
  readonly resolve: (counts: readonly number[]) => void;
  readonly reject: (reason: Error) => void;
}

export function createTokenCounter({ after }: Pick<Clock, 'after'>): TokenCounter {
  let worker: Worker | null = null;
  let cancelIdle = () => {};
  let lastId = 0;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const started = new Worker(new URL('./count-worker.ts', import.meta.url), { resourceLimits: RESOURCE_LIMITS });
    started.unref(); // Requests keep the process alive, not the thread.
    started.on('message', ({ id, counts }: CountResponse) => {
      waiting.get(id)?.resolve(counts);
      waiting.delete(id);
      if (waiting.size === 0) cancelIdle = after(IDLE_MS, stop);
    });
    const fail = (cause: unknown) => {
      if (worker !== started) return; // It was stopped, or an error came before the exit.
      worker = null;
      rejectAll(new Error('The thread that counts tokens has failed.', { cause }));
    };
    return started.on('error', fail).on('exit', (code) => fail(`exit code ${code}`));
  }

  function rejectAll(reason: Error) {
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  }

  function stop() {
    const stopped = worker;
    worker = null;
    return stopped?.terminate();
  }

  return {
    count(tokenizer, groups) {
      cancelIdle();
      worker ??= start();
      const id = ++lastId;
      worker.postMessage({ id, tokenizer, groups } satisfies CountRequest);
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    async dispose() {
      cancelIdle();
      await stop();
      rejectAll(new Error('The thread that counts tokens was stopped.'));
    },
  };
}
