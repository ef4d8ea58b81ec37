import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createKeyedQueue } from '../../../../src/commands/idempotency/keyed-queue.ts';

/** A queue and its started tasks, which the test ends. */
function start() {
  const queue = createKeyedQueue<string>();
  const started: string[] = [];
  const results = new Map<string, PromiseWithResolvers<string>>();
  return {
    started,
    run(key: string, request: string, name = request) {
      return queue.run(key, request, () => {
        const result = Promise.withResolvers<string>();
        started.push(name);
        results.set(name, result);
        return result.promise;
      });
    },
    async end(name: string, error?: Error) {
      if (error) results.get(name)?.reject(error);
      else results.get(name)?.resolve(`result of ${name}`);
      await setImmediate(); // The next waiter starts.
    },
  };
}

describe('tasks with one key', () => {
  it('are shared by concurrent calls with the same request, and run again later', async () => {
    const { run, started, end } = start();
    const both = [run('k', 'a'), run('k', 'a')];
    expect(started).toEqual(['a']);
    await end('a');
    expect(await Promise.all(both)).toEqual(['result of a', 'result of a']);
    const later = run('k', 'a');
    await end('a');
    expect(await later).toBe('result of a');
    expect(started).toEqual(['a', 'a']);
  });

  it('run one after another for different requests, even after a failure', async () => {
    const { run, started, end } = start();
    const failed = expect(run('k', 'a')).rejects.toThrow('no');
    const others = [run('k', 'b'), run('k', 'c'), run('k', 'b')];
    expect(started).toEqual(['a']);
    await end('a', new Error('no'));
    await failed;
    expect(started).toEqual(['a', 'b']);
    await end('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await end('c');
    expect(await Promise.all(others)).toEqual(['result of b', 'result of c', 'result of b']);
  });

  it('fail for all calls that share them', async () => {
    const { run, end } = start();
    const both = [run('k', 'a'), run('k', 'a')].map((call) => expect(call).rejects.toThrow('no'));
    await end('a', new Error('no'));
    await Promise.all(both);
  });

  it('do not wait for tasks with another key', () => {
    const { run, started } = start();
    void run('k', 'a');
    void run('l', 'b');
    expect(started).toEqual(['a', 'b']);
  });
});
