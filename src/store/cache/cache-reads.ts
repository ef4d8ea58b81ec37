import { type CacheRead, cacheRead } from '../../telemetry/events.ts';

/** Reports the reads of one cache. The messages are created once: a hit allocates nothing. */
export class CacheReads {
  readonly #hit: CacheRead;
  readonly #miss: CacheRead;
  readonly #join: CacheRead;

  constructor(kind: string) {
    this.#hit = { kind, outcome: 'hit' };
    this.#miss = { kind, outcome: 'miss' };
    this.#join = { kind, outcome: 'join' };
  }

  hit(): void {
    if (cacheRead.hasSubscribers) cacheRead.publish(this.#hit);
  }

  /** A value that is read anew, or whose read in flight is joined. */
  missed(isJoined: boolean): void {
    if (cacheRead.hasSubscribers) cacheRead.publish(isJoined ? this.#join : this.#miss);
  }
}
