import { describe, expect, it } from 'vitest';
import type { SequencedObservation } from '../../../../src/store/cache/freshness.ts';
import { type CachePartition, createMemoryCache } from '../../../../src/store/cache/memory-cache.ts';
import { createReadThrough, newerRequestWins } from '../../../../src/store/cache/read-through.ts';
import { createSequenceClock } from '../../../../src/store/cache/sequence-clock.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newCaller } from '../../../kit/store/access.ts';

interface Thing {
  readonly name: string;
}
const access = accessOf({ apiKey: 'a' });

function createWorld(
  options: {
    cache?: CachePartition<SequencedObservation<Thing>> | null;
    estimateBytes?: (thing: Thing) => number;
  } = {},
) {
  const clock = createTestClock(0);
  const {
    cache = createMemoryCache(100_000).partition<SequencedObservation<Thing>>('thing'),
    estimateBytes = () => 10,
  } = options;
  const readThrough = createReadThrough<Thing, SequencedObservation<Thing>>({
    clock: createSequenceClock(clock),
    cache,
    merge: newerRequestWins,
    estimateBytes,
  });
  const asked: ((name: string) => void)[] = [];
  const get = (ms = 1000, readContext = newCaller(), notBefore?: number, who = access) =>
    readThrough.get({
      access: who,
      name: 'key',
      readContext,
      freshUntil: ({ receivedAt }) => receivedAt + ms,
      read: () => new Promise((resolve) => asked.push((name) => resolve({ name }))),
      notBefore,
    });
  return { clock, readThrough, asked, get };
}

describe('later', () => {
  const sight = (requestedSeq: number) => ({
    value: null,
    requestedAt: 0,
    requestedSeq,
    receivedAt: 0,
    receivedSeq: 0,
  });

  it('is the sight whose question was asked later, and of equals the one that came last', () => {
    const [one, two, same] = [sight(1), sight(2), sight(2)];
    expect(newerRequestWins(undefined, one)).toBe(one);
    expect(newerRequestWins(one, two)).toBe(two);
    expect(newerRequestWins(two, one)).toBe(two);
    expect(newerRequestWins(two, same)).toBe(same);
  });
});

describe('a read', () => {
  it('serves as long as the question takes it for fresh, which differs from question to question', async () => {
    const { clock, asked, get } = createWorld();
    const first = get();
    asked[0]?.('first');
    await first;
    clock.advance(999);
    expect((await get()).value.name).toBe('first');
    const strict = get(500);
    asked[1]?.('second');
    expect((await strict).value.name).toBe('second');
    clock.advance(999);
    expect((await get()).value.name).toBe('second');
  });

  it('that began before the thing was doubted serves who waits for it, and nobody else', async () => {
    const { readThrough, asked, get } = createWorld();
    const early = get();
    readThrough.invalidate(access, 'key');
    const late = get();
    asked[0]?.('before');
    expect((await early).value.name).toBe('before');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
    asked[1]?.('after');
    expect((await late).value.name).toBe('after');
    expect((await get()).value.name).toBe('after');
  });

  it('tells its caller until when it serves, and of several the earliest', async () => {
    const { clock, asked, get } = createWorld();
    const readContext = newCaller();
    clock.advance(7);
    const first = get(1000, readContext);
    asked[0]?.('first');
    await first;
    expect(readContext.freshUntil).toBe(1007);
    await get(2000, readContext);
    expect(readContext.freshUntil).toBe(1007);
    await get(500, readContext);
    expect(readContext.freshUntil).toBe(507);
  });

  it('that lands behind a newer one gives the newer one, and leaves it where it is', async () => {
    const { clock, asked, get, readThrough } = createWorld();
    const old = get();
    clock.advance(10);
    const current = get(1000, newCaller(), 5);
    asked[1]?.('new');
    await current;
    asked[0]?.('old');
    expect((await old).value.name).toBe('new');
    expect(readThrough.peek(access, 'key')?.value.name).toBe('new');
  });

  it('does not replace what was seen by another way meanwhile', async () => {
    const { clock, asked, get, readThrough } = createWorld();
    const old = get();
    clock.advance(10);
    const times = { requestedAt: 10, requestedSeq: 3, receivedAt: 11, receivedSeq: 4 };
    readThrough.record(access, 'key', { value: { name: 'seen' }, ...times }, 'query');
    asked[0]?.('old');
    expect((await old).value.name).toBe('seen');
  });

  it('that fails is not kept', async () => {
    const { readThrough, clock } = createWorld();
    const failing = readThrough.get({
      access,
      name: 'key',
      readContext: newCaller(),
      freshUntil: () => clock.now() + 1,
      read: () => Promise.reject(new Error('down')),
    });
    await expect(failing).rejects.toThrow('down');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
  });

  it('is shared and answered without a shelf, and forgotten then', async () => {
    const { asked, get, readThrough } = createWorld({ cache: null });
    const both = Promise.all([get(), get()]);
    asked[0]?.('first');
    expect((await both).map(({ value }) => value.name)).toEqual(['first', 'first']);
    expect(readThrough.peek(access, 'key')).toBeUndefined();
    void get();
    expect(asked).toHaveLength(2);
  });

  it('answers also when it is too heavy to be kept', async () => {
    const { asked, get, readThrough } = createWorld({ estimateBytes: () => 1_000_000 });
    const first = get();
    asked[0]?.('heavy');
    expect((await first).value.name).toBe('heavy');
    expect(readThrough.peek(access, 'key')).toBeUndefined();
  });

  it('of another scope is another', async () => {
    const { asked, get, readThrough } = createWorld();
    const other = accessOf({ apiKey: 'b' });
    const both = [get(), get(1000, newCaller(), undefined, other)];
    asked[0]?.('mine');
    asked[1]?.('theirs');
    expect((await Promise.all(both)).map(({ value }) => value.name)).toEqual(['mine', 'theirs']);
    expect(readThrough.peek(other, 'key')?.value.name).toBe('theirs');
  });
});
