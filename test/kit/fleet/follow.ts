import { setTimeout as sleep } from 'node:timers/promises';
import { openSse, type SseStream } from '../client/sse.ts';

const RETRY_MS = 50;

/** A subscription of a client that connects again when its connection breaks. */
export interface Followed {
  /** The URL of the next connection. */
  nextUrl(): string;
  query(): string;
  /** A new connection. */
  onConnected(): void;
  /** Returns whether the client closes the connection, and connects again. */
  onResult(result: unknown): boolean;
}

/** Resolves when the subscription completes, or `signal` ends it. */
export async function follow(followed: Followed, headers: Record<string, string>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using stream = await openSse(followed.nextUrl(), { query: followed.query() }, headers);
      const close = () => stream.close();
      signal.addEventListener('abort', close, { once: true });
      const isComplete = stream.status === 200 && (await read(stream, followed));
      signal.removeEventListener('abort', close);
      if (isComplete) return;
    } catch {
      await sleep(RETRY_MS); // The replica was killed.
    }
  }
}

/** Resolves to true when the subscription is complete. Rejects when the connection breaks. */
async function read(stream: SseStream, followed: Followed): Promise<boolean> {
  followed.onConnected();
  for (;;) {
    const event = await stream.next();
    if (event === undefined) throw new Error('The connection has ended.');
    if (event.event === 'complete') return true;
    if (event.event === 'next' && followed.onResult(JSON.parse(event.data))) return false;
  }
}
