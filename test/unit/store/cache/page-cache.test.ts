import { describe, expect, it } from 'vitest';
import type { SequencedObservation } from '../../../../src/store/cache/freshness.ts';
import { createMemoryCache } from '../../../../src/store/cache/memory-cache.ts';
import { createPageCache } from '../../../../src/store/cache/page-cache.ts';
import { createReadThrough, newerRequestWins } from '../../../../src/store/cache/read-through.ts';
import { createSequenceClock } from '../../../../src/store/cache/sequence-clock.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { Page, PageItem } from '../../../../src/upstream/resources/page.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newCaller } from '../../../kit/store/access.ts';

interface Thing {
  readonly id: string;
  readonly state: string;
}
const access = accessOf({ apiKey: 'a' });
const item = (id: string, state = 'listed'): PageItem<Thing> => ({ id, value: { id, state } });
const unreadable: PageItem<Thing> = {
  id: 'bad',
  error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'state: missing'),
};

function createWorld(maxBytes = 100_000) {
  const clock = createTestClock(0);
  const timeline = createSequenceClock(clock);
  const memoryCache = createMemoryCache(maxBytes);
  const things = createReadThrough<Thing | null, SequencedObservation<Thing | null>>({
    clock: timeline,
    cache: memoryCache.partition('thing'),
    merge: newerRequestWins,
    estimateBytes: () => 100,
  });
  const limits = { activeMs: 1000, settledMs: 0 };
  const lists = createPageCache<Thing>(
    { clock: timeline, limits, partition: memoryCache.partition, maxBytes },
    'things',
    things,
  );
  const asked: ((page: Page<Thing>) => void)[] = [];
  const get = async (readContext = newCaller()) => {
    const read = () => new Promise<Page<Thing>>((resolve) => asked.push(resolve));
    return (await lists.get({ access, name: 'all', readContext, read })).value;
  };
  /** As `get`, answered at once with these items. */
  const read = async (...items: PageItem<Thing>[]) => {
    const page = get();
    asked.at(-1)?.({ items, hasMore: false });
    return await page;
  };
  const see = (id: string, state: string | null) =>
    things.record(
      access,
      id,
      {
        value: state === null ? null : { id, state },
        requestedAt: clock.now(),
        requestedSeq: timeline.nextSequence(),
        receivedAt: clock.now(),
        receivedSeq: timeline.nextSequence(),
      },
      'query',
    );
  return { clock, things, lists, asked, get, read, see };
}

describe('a kept page', () => {
  it('serves while it is fresh, with what cannot be understood too, and then no longer', async () => {
    const { clock, asked, get, read } = createWorld();
    const page = await read(item('a'), unreadable, item('b'));
    clock.advance(999);
    expect(await get()).toEqual(page);
    clock.advance(1);
    void get();
    expect(asked).toHaveLength(2);
  });

  it('shows each of its things as it was seen last', async () => {
    const { clock, get, read, see } = createWorld();
    await read(item('a'), item('b'));
    clock.advance(10);
    see('b', 'seen');
    expect((await get()).items).toEqual([item('a'), item('b', 'seen')]);
  });

  it('is read again when one of its things is gone', async () => {
    const { clock, asked, get, read, see } = createWorld();
    await read(item('a'), item('b'));
    clock.advance(10);
    see('b', null);
    void get();
    expect(asked).toHaveLength(2);
  });

  it('is read again when one of its things had to make room', async () => {
    const { asked, get, read, see } = createWorld(4000);
    await read(item('a'), item('b'));
    for (const id of ['c', 'd', 'e', 'f', 'g', 'h']) see(id, 'seen');
    void get();
    expect(asked).toHaveLength(2);
  });

  it('tells its caller until when it serves', async () => {
    const { clock, get, read } = createWorld();
    await read(item('a'));
    clock.advance(400);
    const readContext = newCaller();
    await get(readContext);
    expect(readContext.freshUntil).toBe(1000);
  });
});

describe('a page that is read', () => {
  it('shows what stands on it one by one too', async () => {
    const { things, read } = createWorld();
    await read(item('a'));
    expect(things.peek(access, 'a')?.value).toEqual({ id: 'a', state: 'listed' });
  });

  it('does not take back what was asked for later and came earlier', async () => {
    const { clock, asked, get, things, see } = createWorld();
    const page = get();
    clock.advance(10);
    see('a', 'newer');
    asked[0]?.({ items: [item('a'), item('b')], hasMore: true });
    expect(await page).toEqual({ items: [item('a', 'newer'), item('b')], hasMore: true });
    expect(things.peek(access, 'a')?.value?.state).toBe('newer');
  });

  it('shows what it shows although it is known to be gone, and does not bring it back', async () => {
    const { clock, asked, get, things, see } = createWorld();
    const page = get();
    clock.advance(10);
    see('a', null);
    asked[0]?.({ items: [item('a')], hasMore: false });
    expect((await page).items).toEqual([item('a')]);
    expect(things.peek(access, 'a')?.value).toBeNull();
  });

  it('is whole also when there is no room for it', async () => {
    const { read } = createWorld(500);
    expect((await read(item('a'), item('b'), item('c'))).items).toHaveLength(3);
  });
});
