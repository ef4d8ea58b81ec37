import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createConflatingQueue } from '../../../../src/watch/streams/conflating-queue.ts';

async function drain<T>(slot: AsyncIterator<T>): Promise<T[]> {
  const values: T[] = [];
  for (let next = await slot.next(); !next.done; next = await slot.next()) values.push(next.value);
  return values;
}

describe('a slot', () => {
  it('keeps of each key the newest value, in the order in which the keys came', async () => {
    const slot = createConflatingQueue<string>(() => {});
    slot.put('a', 'a1');
    slot.put('b', 'b1');
    slot.put('a', 'a2');
    slot.end();
    expect(await drain(slot)).toEqual(['a2', 'b1']);
  });

  it('wakes a reader who waits', async () => {
    const slot = createConflatingQueue<number>(() => {});
    const next = slot.next();
    slot.put('a', 1);
    expect(await next).toEqual({ done: false, value: 1 });
  });

  it('gives what is there before it fails, and fails once', async () => {
    const slot = createConflatingQueue<number>(() => {});
    slot.put('a', 1);
    slot.end(new Error('gone'));
    expect((await slot.next()).value).toBe(1);
    await expect(slot.next()).rejects.toThrow('gone');
    expect((await slot.next()).done).toBe(true);
  });

  it('fails a reader who waits', async () => {
    const slot = createConflatingQueue<number>(() => {});
    const next = slot.next();
    slot.end(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
  });

  it('lets a reader who waits go at once, and keeps nothing for one who has left', async () => {
    const slot = createConflatingQueue<number>(() => {});
    const next = slot.next();
    await slot.return();
    expect((await next).done).toBe(true);
    slot.put('a', 1);
    expect((await slot.next()).done).toBe(true);
  });

  it.each(['end', 'return'] as const)('says once that it is left, by %s', (how) => {
    const onLeave = vi.fn();
    const slot = createConflatingQueue<number>(onLeave);
    void slot[how]();
    void slot.return();
    slot.end();
    expect(onLeave).toHaveBeenCalledTimes(1);
  });

  it('gives a reader at any pace a subsequence of each key, which ends in the last: property', async () => {
    const step = fc.oneof(fc.constant('read' as const), fc.constantFrom('a', 'b', 'c'));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { size: 'medium' }), async (steps) => {
        const slot = createConflatingQueue<{ key: string; count: number }>(() => {});
        const got: { key: string; count: number }[] = [];
        const puts = new Map<string, number>();
        let isReading = false;
        for (const step of steps) {
          if (step !== 'read') {
            const count = (puts.get(step) ?? 0) + 1;
            puts.set(step, count);
            slot.put(step, { key: step, count });
          } else if (!isReading) {
            isReading = true;
            void slot.next().then(({ done, value }) => {
              isReading = false;
              if (!done) got.push(value);
            });
          }
          await null;
        }
        if (isReading) slot.put('a', { key: 'a', count: 1 + (puts.get('a') ?? 0) });
        if (isReading) puts.set('a', 1 + (puts.get('a') ?? 0));
        await null;
        slot.end();
        got.push(...(await drain(slot)));
        for (const [key, count] of puts) {
          const counts = got.filter((value) => value.key === key).map((value) => value.count);
          expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
          expect(counts.at(-1)).toBe(count);
        }
      }),
    );
  });
});
