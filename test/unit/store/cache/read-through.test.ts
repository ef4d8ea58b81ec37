import { describe, expect, it } from 'vitest';
import type { Seen } from '../../../../src/store/cache/freshness.ts';
import { createRoom, type Shelf } from '../../../../src/store/cache/memory-cache.ts';
import { createReads, later } from '../../../../src/store/cache/read-through.ts';
import { createTimeline } from '../../../../src/store/cache/sequence-clock.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { accessOf, newCaller } from '../../../kit/store/access.ts';

interface Thing {
  readonly name: string;
}
const access = accessOf({ apiKey: 'a' });

function createWorld(options: { shelf?: Shelf<Seen<Thing>> | null; weigh?: (thing: Thing) => number } = {}) {
  const clock = createTestClock(0);
  const { shelf = createRoom(100_000).shelf<Seen<Thing>>('thing'), weigh = () => 10 } = options;
  const reads = createReads<Thing, Seen<Thing>>({ clock: createTimeline(clock), shelf, choose: later, weigh });
  const asked: ((name: string) => void)[] = [];
  const get = (ms = 1000, caller = newCaller(), notBefore?: number, who = access) =>
    reads.get({
      access: who,
      name: 'key',
      caller,
      freshUntil: ({ arrivedAt }) => arrivedAt + ms,
      read: () => new Promise((resolve) => asked.push((name) => resolve({ name }))),
      notBefore,
    });
  return { clock, reads, asked, get };
}

describe('later', () => {
  const sight = (beganTurn: number) => ({ value: null, beganAt: 0, beganTurn, arrivedAt: 0, arrivedTurn: 0 });

  it('is the sight whose question was asked later, and of equals the one that came last', () => {
    const [one, two, same] = [sight(1), sight(2), sight(2)];
    expect(later(undefined, one)).toBe(one);
    expect(later(one, two)).toBe(two);
    expect(later(two, one)).toBe(two);
    expect(later(two, same)).toBe(same);
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
    const { reads, asked, get } = createWorld();
    const early = get();
    reads.doubt(access, 'key');
    const late = get();
    asked[0]?.('before');
    expect((await early).value.name).toBe('before');
    expect(reads.kept(access, 'key')).toBeUndefined();
    asked[1]?.('after');
    expect((await late).value.name).toBe('after');
    expect((await get()).value.name).toBe('after');
  });

  it('tells its caller until when it serves, and of several the earliest', async () => {
    const { clock, asked, get } = createWorld();
    const caller = newCaller();
    clock.advance(7);
    const first = get(1000, caller);
    asked[0]?.('first');
    await first;
    expect(caller.freshUntil).toBe(1007);
    await get(2000, caller);
    expect(caller.freshUntil).toBe(1007);
    await get(500, caller);
    expect(caller.freshUntil).toBe(507);
  });

  it('that lands behind a newer one gives the newer one, and leaves it where it is', async () => {
    const { clock, asked, get, reads } = createWorld();
    const old = get();
    clock.advance(10);
    const current = get(1000, newCaller(), 5);
    asked[1]?.('new');
    await current;
    asked[0]?.('old');
    expect((await old).value.name).toBe('new');
    expect(reads.kept(access, 'key')?.value.name).toBe('new');
  });

  it('does not replace what was seen by another way meanwhile', async () => {
    const { clock, asked, get, reads } = createWorld();
    const old = get();
    clock.advance(10);
    const times = { beganAt: 10, beganTurn: 3, arrivedAt: 11, arrivedTurn: 4 };
    reads.see(access, 'key', { value: { name: 'seen' }, ...times }, 'query');
    asked[0]?.('old');
    expect((await old).value.name).toBe('seen');
  });

  it('that fails is not kept', async () => {
    const { reads, clock } = createWorld();
    const failing = reads.get({
      access,
      name: 'key',
      caller: newCaller(),
      freshUntil: () => clock.now() + 1,
      read: () => Promise.reject(new Error('down')),
    });
    await expect(failing).rejects.toThrow('down');
    expect(reads.kept(access, 'key')).toBeUndefined();
  });

  it('is shared and answered without a shelf, and forgotten then', async () => {
    const { asked, get, reads } = createWorld({ shelf: null });
    const both = Promise.all([get(), get()]);
    asked[0]?.('first');
    expect((await both).map(({ value }) => value.name)).toEqual(['first', 'first']);
    expect(reads.kept(access, 'key')).toBeUndefined();
    void get();
    expect(asked).toHaveLength(2);
  });

  it('answers also when it is too heavy to be kept', async () => {
    const { asked, get, reads } = createWorld({ weigh: () => 1_000_000 });
    const first = get();
    asked[0]?.('heavy');
    expect((await first).value.name).toBe('heavy');
    expect(reads.kept(access, 'key')).toBeUndefined();
  });

  it('of another scope is another', async () => {
    const { asked, get, reads } = createWorld();
    const other = accessOf({ apiKey: 'b' });
    const both = [get(), get(1000, newCaller(), undefined, other)];
    asked[0]?.('mine');
    asked[1]?.('theirs');
    expect((await Promise.all(both)).map(({ value }) => value.name)).toEqual(['mine', 'theirs']);
    expect(reads.kept(other, 'key')?.value.name).toBe('theirs');
  });
});
