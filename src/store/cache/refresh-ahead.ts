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

/** The share of its TTL that an entry has left when it is refreshed: a random one of these, so that few expire together. */
const [MIN_LEFT, MAX_LEFT] = [0.1, 0.2];

export function createRefreshAhead(clock: Clock): RefreshAhead {
  /** 0 once the refresh of an entry has started. Has only entries that were asked for near their end. */
  const sharesLeft = new WeakMap<object, number>();
  return {
    useOf(entry, freshUntil, readContext) {
      const left = (freshUntil - clock.now()) / (freshUntil - entry.receivedAt);
      if (left > MAX_LEFT) return 'serve';
      if (readContext.refreshAhead) return 'read';
      if (!canRefresh(readContext)) return 'serve';
      const share = sharesLeft.get(entry) ?? MIN_LEFT + (MAX_LEFT - MIN_LEFT) * Math.random();
      const isDue = left <= share;
      sharesLeft.set(entry, isDue ? 0 : share);
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
