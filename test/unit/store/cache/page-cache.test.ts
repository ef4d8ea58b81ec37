import { describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../../src/memory-cache.ts';
import type { SequencedObservation } from '../../../../src/store/cache/freshness.ts';
import { createPageCache } from '../../../../src/store/cache/page-cache.ts';
import { createReadThrough, newerRequestWins } from '../../../../src/store/cache/read-through.ts';
import { createSequenceClock } from '../../../../src/store/cache/sequence-clock.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { Page, PageItem } from '../../../../src/upstream/resources/page.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newReadContext } from '../../../kit/store/access.ts';

interface Entity {
  readonly id: string;
  readonly state: string;
}
const access = accessOf({ apiKey: 'a' });
const item = (id: string, state = 'listed'): PageItem<Entity> => ({ id, value: { id, state } });
const invalidItem: PageItem<Entity> = {
  id: 'bad',
  error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'state: missing'),
};

function createWorld(maxBytes = 100_000) {
  const clock = createTestClock(0);
  const sequenceClock = createSequenceClock(clock);
  const memoryCache = createMemoryCache(maxBytes);
  const values = createReadThrough<Entity | null, SequencedObservation<Entity | null>, null>({
    clock: sequenceClock,
    kind: 'entity',
    cache: memoryCache.partition('entity'),
    read: () => Promise.reject(new Error('not read one by one here')),
    freshUntil: () => Number.NEGATIVE_INFINITY,
    merge: newerRequestWins,
    estimateBytes: () => 100,
  });
  const reads: ((page: Page<Entity>) => void)[] = [];
  const lists = createPageCache<Entity, null>({
    clock: sequenceClock,
    limits: { activeMs: 1000, settledMs: 0 },
    partition: memoryCache.partition,
    name: 'entities',
    read: () => new Promise((resolve) => reads.push(resolve)),
    values,
  });
  const get = (readContext = newReadContext()) => lists.get({ access, name: 'all', params: null, readContext });
  /** As `get`, where the upstream responds at once with these items. */
  const read = async (...items: PageItem<Entity>[]) => {
    const page = get();
    reads.at(-1)?.({ items, hasMore: false });
    return await page;
  };
  const record = (id: string, state: string | null) =>
    values.record(
      access,
      id,
      {
        value: state === null ? null : { id, state },
        requestedAt: clock.now(),
        requestedSeq: sequenceClock.nextSequence(),
        receivedAt: clock.now(),
        receivedSeq: sequenceClock.nextSequence(),
      },
      'query',
    );
  return { clock, values, lists, reads, get, read, record };
}

describe('a cached page', () => {
  it('is served while it is fresh, with its invalid items', async () => {
    const { clock, reads, get, read } = createWorld();
    const page = await read(item('a'), invalidItem, item('b'));
    clock.advance(999);
    expect(await get()).toEqual(page);
    clock.advance(1);
    void get();
    expect(reads).toHaveLength(2);
  });

  it('contains the last observed state of each value', async () => {
    const { clock, get, read, record } = createWorld();
    await read(item('a'), item('b'));
    clock.advance(10);
    record('b', 'newer');
    expect((await get()).items).toEqual([item('a'), item('b', 'newer')]);
  });

  it('is read again when one of its values was deleted', async () => {
    const { clock, reads, get, read, record } = createWorld();
    await read(item('a'), item('b'));
    clock.advance(10);
    record('b', null);
    void get();
    expect(reads).toHaveLength(2);
  });

  it('is read again when one of its values was evicted', async () => {
    const { reads, get, read, record } = createWorld(4000);
    await read(item('a'), item('b'));
    for (const id of ['c', 'd', 'e', 'f', 'g', 'h']) record(id, 'newer');
    void get();
    expect(reads).toHaveLength(2);
  });

  it('limits the freshness of the read context', async () => {
    const { clock, get, read } = createWorld();
    await read(item('a'));
    clock.advance(400);
    const readContext = newReadContext();
    await get(readContext);
    expect(readContext.freshUntil).toBe(1000);
  });
});

describe('a page read upstream', () => {
  it('records each of its values', async () => {
    const { values, read } = createWorld();
    await read(item('a'));
    expect(values.peek(access, 'a')?.value).toEqual({ id: 'a', state: 'listed' });
  });

  it('does not replace a value that was requested later and received earlier', async () => {
    const { clock, reads, get, values, record } = createWorld();
    const page = get();
    clock.advance(10);
    record('a', 'newer');
    reads[0]?.({ items: [item('a'), item('b')], hasMore: true });
    expect(await page).toEqual({ items: [item('a', 'newer'), item('b')], hasMore: true });
    expect(values.peek(access, 'a')?.value?.state).toBe('newer');
  });

  it('contains a value that was deleted during the read, and does not restore it', async () => {
    const { clock, reads, get, values, record } = createWorld();
    const page = get();
    clock.advance(10);
    record('a', null);
    reads[0]?.({ items: [item('a')], hasMore: false });
    expect((await page).items).toEqual([item('a')]);
    expect(values.peek(access, 'a')?.value).toBeNull();
  });

  it('is complete even when it is too large to be cached', async () => {
    const { read } = createWorld(500);
    expect((await read(item('a'), item('b'), item('c'))).items).toHaveLength(3);
  });
});
