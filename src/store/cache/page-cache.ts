import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { activeFreshUntil, type Observation, type SequencedObservation } from './freshness.ts';
import { type Cause, observe, type ReadThrough, type UpstreamReadOptions } from './read-through.ts';
import type { Access } from './scope.ts';
import { createSingleFlight, type FlightSignal, limitFreshness, type ReadContext } from './single-flight.ts';
import { estimateBytes } from './size-estimate.ts';
import type { ResourceStoreOptions } from './store-options.ts';

/** Which things stood on a page, not the things: those are kept one by one, and may have been seen anew since. */
export interface CachedPage {
  readonly items: readonly (string | Unreadable)[];
  readonly hasMore: boolean;
  readonly requestedAt: number;
  readonly receivedAt: number;
}
type Unreadable = PageItem<never>;

export interface PageReadOptions<T> {
  access: Access;
  /** Which page of which list. */
  name: string;
  /** What was read in another one is not believed. */
  generation?: number | undefined;
  readContext: ReadContext;
  read: (call: UpstreamReadOptions) => Promise<Page<T>>;
  /** What was read before is out of date. */
  notBefore?: number | undefined;
  /** What has caused a thing on it to be seen: a query unless it says otherwise. */
  causeOf?: ((thing: T) => Cause) | undefined;
}

/** Pages of things of one kind. Each page read shows the things on it too. */
export interface PageCache<T> {
  /** The kept page if it is fresh, else a new one. Rejects with UpstreamError, or the reason of the caller's signal. */
  get(options: PageReadOptions<T>): Promise<Observation<Page<T>>>;
}

/** `noun` is what the pages are called among all that is kept, and `things` keep what stands on them. */
export function createPageCache<T extends object>(
  { clock, limits, partition: shelfOf }: Omit<ResourceStoreOptions, 'upstream'>,
  noun: string,
  things: ReadThrough<T | null, SequencedObservation<T | null>>,
): PageCache<T> {
  const cache = shelfOf<CachedPage>(noun);
  const singleFlight = createSingleFlight<Observation<Page<T>>>(clock);

  // The page with the things that are to be believed: one that was read before may be newer.
  function see(
    access: Access,
    key: string,
    { value: page, ...times }: SequencedObservation<Page<T>>,
    causeOf: (thing: T) => Cause,
  ): Observation<Page<T>> {
    const items = page.items.map((item) => {
      if (item.error) return item;
      const observation = things.record(access, item.id, { value: item.value, ...times }, causeOf(item.value));
      return { id: item.id, value: observation.value ?? item.value };
    });
    const { requestedAt, receivedAt } = times;
    const kept = { items: items.map(toKept), hasMore: page.hasMore, requestedAt, receivedAt };
    cache?.set(key, kept, estimateBytes(kept.items));
    return { value: { ...page, items }, requestedAt, receivedAt };
  }

  function restored(access: Access, key: string, notBefore: number): Observation<Page<T>> | undefined {
    const kept = cache?.get(key);
    if (kept === undefined || kept.requestedAt < notBefore) return undefined;
    if (clock.now() >= activeFreshUntil(kept.receivedAt, limits)) return undefined;
    const items: PageItem<T>[] = [];
    for (const item of kept.items) {
      if (typeof item !== 'string') items.push(item);
      else {
        const value = things.peek(access, item)?.value;
        if (value == null) return undefined; // It had to make room, or is gone: the page has to be read again.
        items.push({ id: item, value });
      }
    }
    return { value: { items, hasMore: kept.hasMore }, requestedAt: kept.requestedAt, receivedAt: kept.receivedAt };
  }

  return {
    async get({ access, name, generation = 0, readContext, read, notBefore, causeOf = () => 'query' }) {
      const key = `${access.scope} ${generation} ${name}`;
      const fly = async (departure: FlightSignal) => {
        const call = { credential: access.credential, ...departure };
        return see(access, key, await observe(clock, () => read(call)), causeOf);
      };
      const observation =
        restored(access, key, notBefore ?? Number.NEGATIVE_INFINITY) ??
        (await singleFlight.run(key, readContext, fly, notBefore));
      limitFreshness(readContext, activeFreshUntil(observation.receivedAt, limits));
      return observation;
    },
  };
}

function toKept<T>(item: PageItem<T>): string | Unreadable {
  return item.error ? item : item.id;
}
