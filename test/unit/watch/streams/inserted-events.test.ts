import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newReadContext } from '../../../kit/store/access.ts';
import { createEventWorld, FINAL, idsOf, JOB_ID, LARGE_CACHE, type Reader } from '../../../kit/store/event-world.ts';

type World = ReturnType<typeof createEventWorld>;

/** Returns all ids, newest first, as a client reads them in pages of these lengths. */
async function readPages({ store, access }: World, lengths: readonly number[]): Promise<(string | null)[]> {
  const ids: (string | null)[] = [];
  for (let [page, after] = [0, null as string | null]; ; page++) {
    const limit = lengths[page % lengths.length] ?? 20;
    const { items, hasMore } = await store.events.page(access, JOB_ID, { limit, after }, newReadContext());
    ids.push(...items.map(({ id }) => id));
    if (!hasMore) return ids;
    after = ids.at(-1) ?? null;
  }
}

/** Between two polls the log grows, and the server inserts events behind one of the newest. */
const step = fc.record({
  grown: fc.nat(30),
  depth: fc.nat(30),
  inserted: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 60, max: 250 })),
  short: fc.nat(9),
  repeated: fc.boolean(),
  isReading: fc.boolean(),
  opens: fc.constantFrom('start', 'now', null),
  pageLength: fc.integer({ min: 1, max: 100 }),
});

describe('a log with inserted events, repeated items and short pages', () => {
  it('is shown once and in the order of the server by queries, and once to each subscriber: property', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12, size: 'max' }), async (steps) => {
        const world = createEventWorld(LARGE_CACHE);
        world.log.grow(10); // Some insertions are behind the oldest event.
        const readers: { reader: Reader; before: Set<string> }[] = [];
        const open = (kind: 'start' | 'now') => {
          const reader = world.open({ kind });
          readers.push({ reader, before: new Set(kind === 'now' ? idsOf(world) : []) });
          reader.read(); // Its position is where the log ends now.
        };
        open('start');
        open('now');
        await world.advance(2000);
        for (const { grown, depth, inserted, isReading, opens, pageLength, short, repeated } of steps) {
          world.log.grow(grown);
          world.log.insert(Math.min(depth, world.log.items.length), inserted);
          world.state.changePage = ({ items, hasMore }) => {
            const shorter = hasMore ? items.slice(0, Math.max(1, items.length - short)) : items;
            return { items: repeated ? shorter.flatMap((item) => [item, item]) : shorter, hasMore };
          };
          // The second reader is slow: it reads at the end.
          await world.advance(20_000, isReading ? readers.slice(0, 1).map(({ reader }) => reader) : []);
          if (opens) open(opens);
          await world.settle();
          expect(await readPages(world, [pageLength, 20])).toEqual(idsOf(world).reverse());
        }
        world.linear.put(JOB_ID, 'succeeded');
        world.log.grow(1, FINAL);
        await world.advance(
          60_000,
          readers.map(({ reader }) => reader),
        );
        for (const { reader, before } of readers) {
          const expected = idsOf(world).filter((id) => !before.has(id));
          expect(reader).toMatchObject({ isDone: true, error: undefined });
          expect(reader.received.toSorted()).toEqual(expected.toSorted());
        }
      }),
      { numRuns: 60 },
    );
  });
});
