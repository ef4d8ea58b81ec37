import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { activeFreshUntil, type Observation, type SequencedObservation } from './freshness.ts';
import {
  type Cause,
  type ObservationCache,
  observe,
  type ReadRequest,
  type UpstreamReadOptions,
} from './read-through.ts';
import type { Access } from './scope.ts';
import { createSingleFlight, type FlightOptions, limitFreshness } from './single-flight.ts';
import { estimateBytes } from './size-estimate.ts';
import type { ResourceStoreOptions } from './store-options.ts';

/** The ids on a page. The values are cached one by one, where later reads update them. */
export interface CachedPage {
  readonly items: readonly (string | InvalidItem)[];
  readonly hasMore: boolean;
  readonly requestedAt: number;
  readonly receivedAt: number;
}
type InvalidItem = PageItem<never>;

export interface PageReadRequest<T, P> extends Omit<ReadRequest<P>, 'cause'> {
  /** Pages of another generation are not used. */
  readonly generation?: number | undefined;
  /** The cause recorded for a value on the page. Default: query. */
  readonly causeOf?: ((value: T) => Cause) | undefined;
}

/** Pages of one list. Each page read also records the values on it. */
export interface PageCache<T, P> {
  /** Returns the cached page if fresh, else reads it. Rejects with UpstreamError or `signal.reason`. */
  get(request: PageReadRequest<T, P>): Promise<Observation<Page<T>>>;
}

export interface PageCacheOptions<T, P> extends Omit<ResourceStoreOptions, 'upstream' | 'maxBytes'> {
  /** Name of the cache partition. */
  readonly name: string;
  readonly read: (params: P, call: UpstreamReadOptions) => Promise<Page<T>>;
  /** Holds the values on the pages. */
  readonly values: ObservationCache<T | null, SequencedObservation<T | null>>;
}

export function createPageCache<T extends object, P>(options: PageCacheOptions<T, P>): PageCache<T, P> {
  const { clock, limits, read, values } = options;
  const cache = options.partition<CachedPage>(options.name);
  const singleFlight = createSingleFlight<Observation<Page<T>>>(clock);

  /** Records the values on a page and caches the page. Returns it with the accepted values: some may be newer. */
  function record(
    { access, causeOf = () => 'query' }: PageReadRequest<T, P>,
    key: string,
    { value: page, ...times }: SequencedObservation<Page<T>>,
  ): Observation<Page<T>> {
    const items = page.items.map((item) => {
      if (item.error) return item;
      const observation = values.record(access, item.id, { value: item.value, ...times }, causeOf(item.value));
      return { id: item.id, value: observation.value ?? item.value };
    });
    const { requestedAt, receivedAt } = times;
    const cached = { items: items.map(toCachedItem), hasMore: page.hasMore, requestedAt, receivedAt };
    cache?.set(key, cached, estimateBytes(cached.items));
    return { value: { ...page, items }, requestedAt, receivedAt };
  }

  /** Returns the cached page with its current values; undefined when it is stale or one of its values is missing. */
  function findFresh(access: Access, key: string, notBefore: number): Observation<Page<T>> | undefined {
    const cached = cache?.get(key);
    if (cached === undefined || cached.requestedAt < notBefore) return undefined;
    if (clock.now() >= activeFreshUntil(cached.receivedAt, limits)) return undefined;
    const items: PageItem<T>[] = [];
    for (const item of cached.items) {
      if (typeof item !== 'string') items.push(item);
      else {
        const value = values.peek(access, item)?.value;
        if (value == null) return undefined; // Evicted or deleted.
        items.push({ id: item, value });
      }
    }
    const { hasMore, requestedAt, receivedAt } = cached;
    return { value: { items, hasMore }, requestedAt, receivedAt };
  }

  function readShared(key: string, request: PageReadRequest<T, P>): Promise<Observation<Page<T>>> {
    const { access, params, readContext, notBefore } = request;
    const readUpstream = async (flightOptions: FlightOptions) => {
      const call = { credential: access.credential, ...flightOptions };
      return record(request, key, await observe(clock, () => read(params, call)));
    };
    return singleFlight.run(key, readContext, readUpstream, notBefore);
  }

  return {
    async get(request) {
      const { access, name, generation = 0, readContext, notBefore = Number.NEGATIVE_INFINITY } = request;
      const key = `${access.scope} ${generation} ${name}`;
      const observation = findFresh(access, key, notBefore) ?? (await readShared(key, request));
      limitFreshness(readContext, activeFreshUntil(observation.receivedAt, limits));
      return observation;
    },
  };
}

function toCachedItem<T>(item: PageItem<T>): string | InvalidItem {
  return item.error ? item : item.id;
}
