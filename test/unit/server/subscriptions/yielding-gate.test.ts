import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createYieldingGate } from '../../../../src/server/subscriptions/yielding-gate.ts';

describe('a gate for two', () => {
  /** Who has passed so far, of so many who come together. */
  async function come(gate: ReturnType<typeof createYieldingGate>, count: number) {
    const passed: number[] = [];
    for (let number = 0; number < count; number++) void gate.wait().then(() => passed.push(number));
    await null;
    await null;
    return passed;
  }

  it('lets two through at once, and two more each time that all else had its turn, in the order of asking', async () => {
    const passed = await come(createYieldingGate(2), 5);
    expect(passed).toEqual([0, 1]);
    await setImmediate();
    expect(passed).toEqual([0, 1, 2, 3]);
    await setImmediate();
    expect(passed).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets nobody who comes later overtake those who wait', async () => {
    const gate = createYieldingGate(2);
    const first = await come(gate, 3);
    const second = await come(gate, 2);
    expect([first, second]).toEqual([[0, 1], []]);
    await setImmediate();
    expect([first, second]).toEqual([[0, 1, 2], [0]]);
    await setImmediate();
    expect(second).toEqual([0, 1]);
  });

  it('is free again once nobody has come for a turn', async () => {
    const gate = createYieldingGate(2);
    await come(gate, 2);
    await setImmediate();
    await setImmediate();
    expect(await come(gate, 2)).toEqual([0, 1]);
  });
});
