import type { Page, PageItem } from '../../upstream/resources/page.ts';
import { CacheReads } from './cache-reads.ts';
import type { FlightCall } from './flight.ts';
import { activeFreshUntil, type SequencedObservation } from './freshness.ts';
import type { Cause, ObservationCache, ReadRequest } from './read-through.ts';
import { backgroundContext, createRefreshAhead, runInBackground } from './refresh-ahead.ts';
import type { Access } from './scope.ts';
import { createSingleFlight } from './single-flight.ts';
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
  /** Returns the cached page if fresh, else reads it. Rejects with UpstreamError or the reason of an abort. */
  get(request: PageReadRequest<T, P>): Promise<Page<T>>;
}

export interface PageCacheOptions<T, P> extends Omit<ResourceStoreOptions, 'upstream' | 'maxBytes'> {
  /** Name of the cache partition. */
  readonly name: string;
  readonly read: (params: P, call: FlightCall) => Promise<Page<T>>;
  /** Holds the values on the pages. */
  readonly values: ObservationCache<T | null, SequencedObservation<T | null>>;
}

/** A page with the time of its response. */
interface ReceivedPage<T> {
  readonly page: Page<T>;
  readonly receivedAt: number;
}

export function createPageCache<T extends object, P>(options: PageCacheOptions<T, P>): PageCache<T, P> {
  const { clock, limits, values } = options;
  const cache = options.partition<CachedPage>(options.name);
  const refreshAhead = createRefreshAhead(clock);
  const reads = new CacheReads(options.name);
  const singleFlight = createSingleFlight<PageReadRequest<T, P>, Page<T>, ReceivedPage<T>>(clock, {
    read: ({ params }, call) => options.read(params, call),
    accept: record,
  });

  /** Records the values on a page and caches the page. Returns it with the accepted values: some may be newer. */
  function record(request: PageReadRequest<T, P>, observed: SequencedObservation<Page<T>>): ReceivedPage<T> {
    const { value: page, requestedAt, receivedAt } = observed;
    const items = values.recordPage(request.access, page.items, observed, request.causeOf);
    if (cache) {
      const cached = { items: page.items.map(toCachedItem), hasMore: page.hasMore, requestedAt, receivedAt };
      cache.set(keyOf(request), cached, estimateBytes(cached.items));
    }
    return { page: items === page.items ? page : { ...page, items }, receivedAt };
  }

  /** Returns the cached page with its current values; undefined when one of them is missing. */
  function pageOf(access: Access, cached: CachedPage): Page<T> | undefined {
    const items: PageItem<T>[] = [];
    for (const item of cached.items) {
      if (typeof item !== 'string') items.push(item);
      else {
        const value = values.peek(access, item)?.value;
        if (value == null) return undefined; // Evicted or deleted.
        items.push({ id: item, value });
      }
    }
    return { items, hasMore: cached.hasMore };
  }

  /** Returns the cached page if it is fresh and complete. */
  function findFresh(cached: CachedPage, { access, notBefore }: PageReadRequest<T, P>): Page<T> | undefined {
    if (notBefore !== undefined && cached.requestedAt < notBefore) return undefined;
    if (clock.now() >= activeFreshUntil(cached.receivedAt, limits)) return undefined;
    return pageOf(access, cached);
  }

  /** Returns the cached page if it is to be served. Refreshes it in the background when that is due. */
  function findServed(key: string, request: PageReadRequest<T, P>, cached: CachedPage): Page<T> | undefined {
    const page = findFresh(cached, request);
    if (page === undefined) return undefined;
    const use = refreshAhead.useOf(cached, activeFreshUntil(cached.receivedAt, limits), request.readContext);
    if (use === 'serveAndRefresh') {
      const background = { ...request, readContext: backgroundContext(request.readContext) };
      runInBackground(singleFlight.run(key, background, request.notBefore));
    }
    return use === 'read' ? undefined : page;
  }

  /** Reads the page. Serves the cached one when that fails while it is still fresh. */
  async function read(key: string, request: PageReadRequest<T, P>, cached: CachedPage | undefined) {
    const { notBefore } = request;
    if (notBefore !== Number.POSITIVE_INFINITY) reads.missed(singleFlight.isInFlight(key, notBefore)); // Else it is a poll.
    try {
      return await singleFlight.run(key, request, request.notBefore);
    } catch (error) {
      if (cached === undefined || request.readContext.isAborted || cache?.get(key) !== cached) throw error;
      const page = findFresh(cached, request);
      if (page === undefined) throw error;
      return { page, receivedAt: cached.receivedAt };
    }
  }

  return {
    async get(request) {
      const key = keyOf(request);
      const cached = cache?.get(key);
      const served = cached && findServed(key, request, cached);
      if (served) reads.hit();
      const { page, receivedAt } =
        cached && served ? { page: served, receivedAt: cached.receivedAt } : await read(key, request, cached);
      request.readContext.limitFreshness(activeFreshUntil(receivedAt, limits));
      return page;
    },
  };
}

const keyOf = ({ access, generation = 0, name }: PageReadRequest<never, unknown>) =>
  `${access.scope} ${generation} ${name}`;

function toCachedItem<T>(item: PageItem<T>): string | InvalidItem {
  return item.error ? item : item.id;
}
