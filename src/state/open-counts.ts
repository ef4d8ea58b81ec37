/** Counts what callers have open at the same time, such as subscriptions, on all replicas together. */
export interface OpenCounts {
  /**
   * Counts one more of the caller. Returns the function that ends it, once; null when the caller has `max` already. What a
   * replica has open stops counting when the replica dies. While Redis is away, each replica takes its share of `max`.
   */
  open(caller: string, max: number): Opening | Promise<Opening>;
}

export type Opening = (() => void) | null;
