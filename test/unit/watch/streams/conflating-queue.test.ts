import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createConflatingQueue } from '../../../../src/watch/streams/conflating-queue.ts';

async function drain<T>(queue: AsyncIterator<T>): Promise<T[]> {
  const values: T[] = [];
  for (let next = await queue.next(); !next.done; next = await queue.next()) values.push(next.value);
  return values;
}

describe('a conflating queue', () => {
  it('holds the latest value per key, in the order of the keys', async () => {
    const queue = createConflatingQueue<string>(() => {});
    queue.put('a', 'a1');
    queue.put('b', 'b1');
    queue.put('a', 'a2');
    queue.end();
    expect(await drain(queue)).toEqual(['a2', 'b1']);
  });

  it('resolves a pending read', async () => {
    const queue = createConflatingQueue<number>(() => {});
    const next = queue.next();
    queue.put('a', 1);
    expect(await next).toEqual({ done: false, value: 1 });
  });

  it('returns its values before it rejects with its error, once', async () => {
    const queue = createConflatingQueue<number>(() => {});
    queue.put('a', 1);
    queue.end(new Error('ended'));
    expect((await queue.next()).value).toBe(1);
    await expect(queue.next()).rejects.toThrow('ended');
    expect((await queue.next()).done).toBe(true);
  });

  it('rejects a pending read', async () => {
    const queue = createConflatingQueue<number>(() => {});
    const next = queue.next();
    queue.end(new Error('ended'));
    await expect(next).rejects.toThrow('ended');
  });

  it('resolves a pending read when it is closed, and then stores nothing', async () => {
    const queue = createConflatingQueue<number>(() => {});
    const next = queue.next();
    await queue.return();
    expect((await next).done).toBe(true);
    queue.put('a', 1);
    expect((await queue.next()).done).toBe(true);
  });

  it.each(['end', 'return'] as const)('calls onClose once, by %s', (method) => {
    const onClose = vi.fn();
    const queue = createConflatingQueue<number>(onClose);
    void queue[method]();
    void queue.return();
    queue.end();
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('returns a subsequence of the values of each key, up to the last one, to a reader of any speed: property', async () => {
    const step = fc.oneof(fc.constant('read' as const), fc.constantFrom('a', 'b', 'c'));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { size: 'medium' }), async (steps) => {
        const queue = createConflatingQueue<{ key: string; count: number }>(() => {});
        const received: { key: string; count: number }[] = [];
        const puts = new Map<string, number>();
        let isReading = false;
        for (const step of steps) {
          if (step !== 'read') {
            const count = (puts.get(step) ?? 0) + 1;
            puts.set(step, count);
            queue.put(step, { key: step, count });
          } else if (!isReading) {
            isReading = true;
            void queue.next().then(({ done, value }) => {
              isReading = false;
              if (!done) received.push(value);
            });
          }
          await null;
        }
        if (isReading) queue.put('a', { key: 'a', count: 1 + (puts.get('a') ?? 0) });
        if (isReading) puts.set('a', 1 + (puts.get('a') ?? 0));
        await null;
        queue.end();
        received.push(...(await drain(queue)));
        for (const [key, count] of puts) {
          const counts = received.filter((value) => value.key === key).map((value) => value.count);
          expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
          expect(counts.at(-1)).toBe(count);
        }
      }),
    );
  });
});
