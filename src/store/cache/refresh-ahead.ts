import type { Clock } from '../../clock.ts';
import { ReadContext } from './read-context.ts';

/** The use of a fresh entry: serve it, serve it and read it anew in the background, or read it anew first. */
export type FreshEntryUse = 'serve' | 'serveAndRefresh' | 'read';

/** Refreshes entries before they expire, so that no reader waits for an entry that is asked for often. */
export interface RefreshAhead {
  /**
   * Decides how a fresh entry is used that was received at `receivedAt` and expires at `freshUntil`. Returns
   * `serveAndRefresh` once per entry: a failed refresh is not repeated, and the entry is served until it expires.
   */
  useOf(entry: { readonly receivedAt: number }, freshUntil: number, readContext: ReadContext): FreshEntryUse;
}

/** The shares of its life between which an entry is refreshed. The last tenth is time for the refresh itself. */
const [MIN_AGE, MAX_AGE] = [0.8, 0.9];

/** Returns the share of its life after which an entry is refreshed: a random one, so that few are refreshed together. */
export function refreshAge(random = Math.random()): number {
  return MIN_AGE + (MAX_AGE - MIN_AGE) * random;
}

export function createRefreshAhead(clock: Clock): RefreshAhead {
  /** Infinity once the refresh of an entry has started. Has only entries that were asked for near their end. */
  const refreshAges = new WeakMap<object, number>();
  return {
    useOf(entry, freshUntil, readContext) {
      const age = (clock.now() - entry.receivedAt) / (freshUntil - entry.receivedAt);
      if (age < MIN_AGE) return 'serve';
      if (readContext.refreshAhead) return 'read';
      if (!canRefresh(readContext)) return 'serve';
      const dueAge = refreshAges.get(entry) ?? refreshAge();
      const isDue = age >= dueAge;
      refreshAges.set(entry, isDue ? Number.POSITIVE_INFINITY : dueAge);
      return isDue ? 'serveAndRefresh' : 'serve';
    },
  };
}

// Subscriptions pay for each of their calls, and read anew what they show.
const canRefresh = ({ claimant }: ReadContext) => claimant.priority === 'query' && claimant.account === undefined;

/**
 * Returns the context of a refresh in the background: it takes the turn of the reader's caller, outlives the request, and is
 * not one of its calls. The price of the request has paid for the call that the cache has spared.
 */
export function backgroundContext({ claimant }: ReadContext): ReadContext {
  const background = new ReadContext(claimant);
  background.refreshAhead = true;
  return background;
}

/** Waits for a refresh in the background. Its failure has no effect: the entry is read again when it has expired. */
export function runInBackground(refresh: Promise<unknown>): void {
  refresh.catch(() => {});
}
