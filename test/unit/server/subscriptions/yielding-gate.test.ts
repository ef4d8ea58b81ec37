import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createYieldingGate } from '../../../../src/server/subscriptions/yielding-gate.ts';

describe('a gate with a batch size of two', () => {
  /** Calls `wait` this number of times; returns the numbers of the calls that have passed. */
  async function waitTimes(gate: ReturnType<typeof createYieldingGate>, count: number) {
    const passed: number[] = [];
    for (let number = 0; number < count; number++) void gate.wait().then(() => passed.push(number));
    await null;
    await null;
    return passed;
  }

  it('lets two calls pass at once, and two more per turn of the event loop, in their order', async () => {
    const passed = await waitTimes(createYieldingGate(2), 5);
    expect(passed).toEqual([0, 1]);
    await setImmediate();
    expect(passed).toEqual([0, 1, 2, 3]);
    await setImmediate();
    expect(passed).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets no later call overtake a waiting one', async () => {
    const gate = createYieldingGate(2);
    const first = await waitTimes(gate, 3);
    const second = await waitTimes(gate, 2);
    expect([first, second]).toEqual([[0, 1], []]);
    await setImmediate();
    expect([first, second]).toEqual([[0, 1, 2], [0]]);
    await setImmediate();
    expect(second).toEqual([0, 1]);
  });

  it('lets two calls pass at once again after a turn without calls', async () => {
    const gate = createYieldingGate(2);
    await waitTimes(gate, 2);
    await setImmediate();
    await setImmediate();
    expect(await waitTimes(gate, 2)).toEqual([0, 1]);
  });
});
