import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  createDeliverySchedule,
  type ScheduleDelivery,
} from '../../../../src/server/subscriptions/delivery-schedule.ts';

describe('a schedule with a batch size of two', () => {
  /** Schedules this number of deliveries; returns the numbers of those that were made. */
  function scheduleTimes(schedule: ScheduleDelivery, count: number) {
    const made: number[] = [];
    for (let number = 0; number < count; number++) schedule({ deliver: () => void made.push(number) });
    return made;
  }

  it('makes none at once, and two per turn of the event loop, in their order', async () => {
    const made = scheduleTimes(createDeliverySchedule(2), 5);
    expect(made).toEqual([]);
    for (const count of [2, 4, 5, 5]) {
      await setImmediate();
      expect(made).toEqual([0, 1, 2, 3, 4].slice(0, count));
    }
  });

  it('lets no later delivery overtake a waiting one', async () => {
    const schedule = createDeliverySchedule(2);
    const first = scheduleTimes(schedule, 3);
    await setImmediate();
    const second = scheduleTimes(schedule, 2);
    await setImmediate();
    expect([first, second]).toEqual([[0, 1, 2], [0]]);
    await setImmediate();
    expect(second).toEqual([0, 1]);
    const third = scheduleTimes(schedule, 2);
    await setImmediate();
    expect(third).toEqual([0, 1]);
  });

  it('makes a delivery that another one schedules in a later batch', async () => {
    const schedule = createDeliverySchedule(2);
    const made: string[] = [];
    schedule({
      deliver() {
        made.push('outer');
        schedule({ deliver: () => void made.push('inner') });
      },
    });
    await setImmediate();
    expect(made).toEqual(['outer']);
    await setImmediate();
    expect(made).toEqual(['outer', 'inner']);
  });

  it('continues after a delivery that throws', async () => {
    const schedule = createDeliverySchedule(2);
    const errors: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').once('uncaughtException', (error) => errors.push(error));
    schedule({
      deliver() {
        throw new Error('broken');
      },
    });
    const made = scheduleTimes(schedule, 2);
    await setImmediate();
    await setImmediate();
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(errors).toEqual([new Error('broken')]);
    expect(made).toEqual([0, 1]);
  });

  it('keeps no delivery that was made, also while it is never idle', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const schedule = createDeliverySchedule(2);
    let isBusy = true;
    const busy = { deliver: () => isBusy && schedule(busy) };
    schedule(busy);
    const made = new WeakRef({ deliver() {} });
    schedule(made.deref() ?? busy);
    schedule(busy);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    collectGarbage();
    expect(made.deref()).toBeUndefined();
    isBusy = false;
  });
});
