import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createKeyedQueue } from '../../../../src/commands/idempotency/keyed-queue.ts';

/** A queue, and what has begun in it, each to be ended by the test. */
function start() {
  const queue = createKeyedQueue<string>();
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    begun,
    ask(key: string, request: string, name = request) {
      return queue.run(key, request, () => {
        const end = Promise.withResolvers<string>();
        begun.push(name);
        ends.set(name, end);
        return end.promise;
      });
    },
    async end(name: string, error?: Error) {
      if (error) ends.get(name)?.reject(error);
      else ends.get(name)?.resolve(`of ${name}`);
      await setImmediate(); // What waits for it takes its turn.
    },
  };
}

describe('what is asked for under one key', () => {
  it('by the same request at the same time is one for all, and later another', async () => {
    const { ask, begun, end } = start();
    const both = [ask('k', 'a'), ask('k', 'a')];
    expect(begun).toEqual(['a']);
    await end('a');
    expect(await Promise.all(both)).toEqual(['of a', 'of a']);
    const later = ask('k', 'a');
    await end('a');
    expect(await later).toBe('of a');
    expect(begun).toEqual(['a', 'a']);
  });

  it('by other requests comes one after the other, whatever came of those before', async () => {
    const { ask, begun, end } = start();
    const failed = expect(ask('k', 'a')).rejects.toThrow('no');
    const others = [ask('k', 'b'), ask('k', 'c'), ask('k', 'b')];
    expect(begun).toEqual(['a']);
    await end('a', new Error('no'));
    await failed;
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('c');
    expect(await Promise.all(others)).toEqual(['of b', 'of c', 'of b']);
  });

  it('fails for all who share it', async () => {
    const { ask, end } = start();
    const both = [ask('k', 'a'), ask('k', 'a')].map((asked) => expect(asked).rejects.toThrow('no'));
    await end('a', new Error('no'));
    await Promise.all(both);
  });

  it('waits for nothing under another', () => {
    const { ask, begun } = start();
    void ask('k', 'a');
    void ask('l', 'b');
    expect(begun).toEqual(['a', 'b']);
  });
});
