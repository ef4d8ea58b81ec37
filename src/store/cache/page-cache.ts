import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { activeFreshUntil, type Seen, type Sight } from './freshness.ts';
import { type Cause, type ReadCall, type Reads, takeSight } from './read-through.ts';
import type { Access } from './scope.ts';
import { type Caller, createFlights, type Departure, restOn } from './single-flight.ts';
import { weigh } from './size-estimate.ts';
import type { PartOptions } from './store-options.ts';

/** Which things stood on a page, not the things: those are kept one by one, and may have been seen anew since. */
export interface KeptPage {
  readonly items: readonly (string | Unreadable)[];
  readonly hasMore: boolean;
  readonly beganAt: number;
  readonly arrivedAt: number;
}
type Unreadable = PageItem<never>;

export interface ListOptions<T> {
  access: Access;
  /** Which page of which list. */
  name: string;
  /** What was read in another one is not believed. */
  generation?: number | undefined;
  caller: Caller;
  read: (call: ReadCall) => Promise<Page<T>>;
  /** What was read before is out of date. */
  notBefore?: number | undefined;
  /** What has caused a thing on it to be seen: a query unless it says otherwise. */
  causeOf?: ((thing: T) => Cause) | undefined;
}

/** Pages of things of one kind. Each page read shows the things on it too. */
export interface Lists<T> {
  /** The kept page if it is fresh, else a new one. Rejects with UpstreamError, or the reason of the caller's signal. */
  get(options: ListOptions<T>): Promise<Sight<Page<T>>>;
}

/** `noun` is what the pages are called among all that is kept, and `things` keep what stands on them. */
export function createLists<T extends object>(
  { clock, limits, shelf: shelfOf }: Omit<PartOptions, 'upstream'>,
  noun: string,
  things: Reads<T | null, Seen<T | null>>,
): Lists<T> {
  const shelf = shelfOf<KeptPage>(noun);
  const flights = createFlights<Sight<Page<T>>>(clock);

  // The page with the things that are to be believed: one that was read before may be newer.
  function see(
    access: Access,
    key: string,
    { value: page, ...times }: Seen<Page<T>>,
    causeOf: (thing: T) => Cause,
  ): Sight<Page<T>> {
    const items = page.items.map((item) => {
      if (item.error) return item;
      const seen = things.see(access, item.id, { value: item.value, ...times }, causeOf(item.value));
      return { id: item.id, value: seen.value ?? item.value };
    });
    const { beganAt, arrivedAt } = times;
    const kept = { items: items.map(toKept), hasMore: page.hasMore, beganAt, arrivedAt };
    shelf?.set(key, kept, weigh(kept.items));
    return { value: { ...page, items }, beganAt, arrivedAt };
  }

  function restored(access: Access, key: string, notBefore: number): Sight<Page<T>> | undefined {
    const kept = shelf?.get(key);
    if (kept === undefined || kept.beganAt < notBefore) return undefined;
    if (clock.now() >= activeFreshUntil(kept.arrivedAt, limits)) return undefined;
    const items: PageItem<T>[] = [];
    for (const item of kept.items) {
      if (typeof item !== 'string') items.push(item);
      else {
        const value = things.kept(access, item)?.value;
        if (value == null) return undefined; // It had to make room, or is gone: the page has to be read again.
        items.push({ id: item, value });
      }
    }
    return { value: { items, hasMore: kept.hasMore }, beganAt: kept.beganAt, arrivedAt: kept.arrivedAt };
  }

  return {
    async get({ access, name, generation = 0, caller, read, notBefore, causeOf = () => 'query' }) {
      const key = `${access.scope} ${generation} ${name}`;
      const fly = async (departure: Departure) => {
        const call = { credential: access.credential, ...departure };
        return see(access, key, await takeSight(clock, () => read(call)), causeOf);
      };
      const sight =
        restored(access, key, notBefore ?? Number.NEGATIVE_INFINITY) ??
        (await flights.join(key, caller, fly, notBefore));
      restOn(caller, activeFreshUntil(sight.arrivedAt, limits));
      return sight;
    },
  };
}

function toKept<T>(item: PageItem<T>): string | Unreadable {
  return item.error ? item : item.id;
}
