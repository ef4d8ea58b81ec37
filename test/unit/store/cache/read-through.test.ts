import { describe, expect, it } from 'vitest';
import { type CachePartition, createMemoryCache } from '../../../../src/memory-cache.ts';
import type { SequencedObservation } from '../../../../src/store/cache/freshness.ts';
import { createReadThrough, newerRequestWins } from '../../../../src/store/cache/read-through.ts';
import { createSequenceClock } from '../../../../src/store/cache/sequence-clock.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newReadContext } from '../../../kit/store/access.ts';

interface Entity {
  readonly name: string;
}
const access = accessOf({ apiKey: 'a' });

function createWorld(
  options: {
    cache?: CachePartition<SequencedObservation<Entity>> | null;
    estimateBytes?: (entity: Entity) => number;
  } = {},
) {
  const clock = createTestClock(0);
  const {
    cache = createMemoryCache(100_000).partition<SequencedObservation<Entity>>('entity'),
    estimateBytes = () => 10,
  } = options;
  const reads: { respond: (name: string) => void; fail: (error: Error) => void }[] = [];
  const readThrough = createReadThrough<Entity, SequencedObservation<Entity>, { readonly ttlMs: number }>({
    clock: createSequenceClock(clock),
    kind: 'entity',
    cache,
    read: () => new Promise((resolve, reject) => reads.push({ respond: (name) => resolve({ name }), fail: reject })),
    freshUntil: ({ receivedAt }, { params }) => receivedAt + params.ttlMs,
    isSettled: ({ value }) => value.name === 'settled',
    merge: newerRequestWins,
    estimateBytes,
  });
  const get = (ttlMs = 1000, readContext = newReadContext(), notBefore?: number, requester = access) =>
    readThrough.get({ access: requester, name: 'key', params: { ttlMs }, readContext, notBefore });
  const refresh = (readContext = newReadContext()) =>
    readThrough.refresh({ access, name: 'key', params: { ttlMs: 1000 }, readContext });
  return { clock, readThrough, reads, get, refresh };
}

describe('newerRequestWins', () => {
  const observation = (requestedSeq: number) => ({
    value: null,
    requestedAt: 0,
    requestedSeq,
    receivedAt: 0,
    receivedSeq: 0,
  });

  it('accepts the observation with the later request, and the new one when both are equal', () => {
    const [first, second, equal] = [observation(1), observation(2), observation(2)];
    expect(newerRequestWins(undefined, first)).toBe(first);
    expect(newerRequestWins(first, second)).toBe(second);
    expect(newerRequestWins(second, first)).toBe(second);
    expect(newerRequestWins(second, equal)).toBe(equal);
  });
});

describe('get', () => {
  it('serves the cached observation while it is fresh for the params of the request', async () => {
    const { clock, reads, get } = createWorld();
    const first = get();
    reads[0]?.respond('first');
    await first;
    clock.advance(799);
    expect((await get()).name).toBe('first');
    expect(reads).toHaveLength(1);
    const strict = get(500);
    reads[1]?.respond('second');
    expect((await strict).name).toBe('second');
    clock.advance(999);
    expect((await get()).name).toBe('second');
  });

  it('limits the freshness of its context to the earliest expiry of all values read', async () => {
    const { clock, reads, get } = createWorld();
    const readContext = newReadContext();
    clock.advance(7);
    const first = get(1000, readContext);
    reads[0]?.respond('first');
    await first;
    expect(readContext.freshUntil).toBe(1007);
    await get(2000, readContext);
    expect(readContext.freshUntil).toBe(1007);
    await get(500, readContext);
    expect(readContext.freshUntil).toBe(507);
  });

  it('returns the newer observation when an older request is answered later', async () => {
    const { clock, reads, get, readThrough } = createWorld();
    const older = get();
    clock.advance(10);
    const newer = get(1000, newReadContext(), 5);
    reads[1]?.respond('newer');
    await newer;
    reads[0]?.respond('older');
    expect((await older).name).toBe('newer');
    expect(readThrough.peek(access, 'key')?.value.name).toBe('newer');
  });

  it('does not replace an observation that was recorded during the read', async () => {
    const { clock, reads, get, readThrough } = createWorld();
    const older = get();
    clock.advance(10);
    const times = { requestedAt: 10, requestedSeq: 3, receivedAt: 11, receivedSeq: 4 };
    readThrough.record(access, 'key', { value: { name: 'recorded' }, ...times }, 'query');
    reads[0]?.respond('older');
    expect((await older).name).toBe('recorded');
  });

  it('does not cache a failure', async () => {
    const { readThrough, reads, get } = createWorld();
    const failing = get();
    reads[0]?.fail(new Error('down'));
    await expect(failing).rejects.toThrow('down');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
  });

  it.each([
    ['serves a stale settled observation', 'settled', 'settled'],
    ['fails for a stale observation that is not settled', 'active', 'UPSTREAM_UNAVAILABLE'],
  ])('%s while the upstream is down', async (_, name, expected) => {
    const { clock, reads, get } = createWorld();
    const first = get();
    reads[0]?.respond(name);
    await first;
    clock.advance(1000);
    const second = get();
    reads[1]?.fail(new UpstreamError('UPSTREAM_UNAVAILABLE', 'down'));
    const outcome = await second.then(({ name }) => name).catch((error: UpstreamError) => error.code);
    expect(outcome).toBe(expected);
  });

  it('shares reads in flight where caching is disabled, and caches nothing', async () => {
    const { reads, get, readThrough } = createWorld({ cache: null });
    const both = Promise.all([get(), get()]);
    reads[0]?.respond('first');
    expect((await both).map(({ name }) => name)).toEqual(['first', 'first']);
    expect(readThrough.peek(access, 'key')).toBeUndefined();
    void get();
    expect(reads).toHaveLength(2);
  });

  it('returns a value that is too large to be cached', async () => {
    const { reads, get, readThrough } = createWorld({ estimateBytes: () => 1_000_000 });
    const first = get();
    reads[0]?.respond('large');
    expect((await first).name).toBe('large');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
  });

  it('does not share reads or entries between scopes', async () => {
    const { reads, get, readThrough } = createWorld();
    const other = accessOf({ apiKey: 'b' });
    const both = [get(), get(1000, newReadContext(), undefined, other)];
    reads[0]?.respond('mine');
    reads[1]?.respond('theirs');
    expect((await Promise.all(both)).map(({ name }) => name)).toEqual(['mine', 'theirs']);
    expect(readThrough.peek(other, 'key')?.value.name).toBe('theirs');
  });
});

describe('refresh', () => {
  it('reads a fresh entry again, does not join a read in flight, and makes the response uncacheable', async () => {
    const { reads, get, refresh } = createWorld();
    const readContext = newReadContext();
    const first = get();
    const second = refresh(readContext);
    expect(reads).toHaveLength(2);
    reads[0]?.respond('first');
    reads[1]?.respond('second');
    await first;
    expect((await second).value.name).toBe('second');
    expect(readContext.freshUntil).toBe(Number.NEGATIVE_INFINITY);
    void refresh();
    expect(reads).toHaveLength(3);
  });
});

describe('a reader that refreshes a cached response', () => {
  const refresher = () => {
    const readContext = newReadContext();
    readContext.refreshAhead = true;
    return readContext;
  };
  async function startRefresh(ageMs: number) {
    const world = createWorld();
    const first = world.get();
    world.reads[0]?.respond('first');
    await first;
    world.clock.advance(ageMs);
    const readContext = refresher();
    return { ...world, readContext, refreshed: world.get(1000, readContext) };
  }

  it('reads an entry anew in the last fifth of its life, and waits for it', async () => {
    const { reads, refreshed, readContext } = await startRefresh(800);
    expect(reads).toHaveLength(2);
    reads[1]?.respond('second');
    expect((await refreshed).name).toBe('second');
    expect(readContext.freshUntil).toBe(1800);
  });

  it('gets an earlier entry from the cache', async () => {
    const { reads, refreshed } = await startRefresh(799);
    expect((await refreshed).name).toBe('first');
    expect(reads).toHaveLength(1);
  });

  it('gets the cached entry when the read fails before its end, with its own expiry', async () => {
    const { reads, refreshed, readContext } = await startRefresh(800);
    reads[1]?.fail(new Error('down'));
    expect((await refreshed).name).toBe('first');
    expect(readContext.freshUntil).toBe(1000);
  });

  it.each([
    ['after its end', (world: Awaited<ReturnType<typeof startRefresh>>) => world.clock.advance(200)],
    [
      'after its invalidation',
      ({ readThrough }: Awaited<ReturnType<typeof startRefresh>>) => readThrough.invalidate(access, 'key'),
    ],
  ])('gets the error when the read fails %s', async (_, change) => {
    const world = await startRefresh(800);
    change(world);
    world.reads[1]?.fail(new Error('down'));
    await expect(world.refreshed).rejects.toThrow('down');
  });

  it('gets the reason of its abort', async () => {
    const { reads, refreshed, readContext } = await startRefresh(800);
    readContext.cancellation.abort(new Error('The client has disconnected.'));
    await expect(refreshed).rejects.toThrow('disconnected');
    expect(reads).toHaveLength(2);
  });
});

describe('invalidate', () => {
  it('leaves a read in flight to its present waiters, and neither caches nor shares its result', async () => {
    const { readThrough, reads, get } = createWorld();
    const early = get();
    readThrough.invalidate(access, 'key');
    const late = get();
    reads[0]?.respond('before');
    expect((await early).name).toBe('before');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
    reads[1]?.respond('after');
    expect((await late).name).toBe('after');
    expect((await get()).name).toBe('after');
  });
});
