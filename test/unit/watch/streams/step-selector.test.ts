import { expect, it } from 'vitest';
import type { LogItem } from '../../../../src/store/resources/log-item.ts';
import { readEvent } from '../../../../src/upstream/resources/event.ts';
import { stepsAfter } from '../../../../src/watch/streams/event-stream.ts';
import { stepBody } from '../../../kit/bodies/event.ts';

it('reads each item of a log a few times only, whatever the number of inserted steps', () => {
  const count = 3000;
  let reads = 0;
  const items = Array.from({ length: count }, (_, index): LogItem => {
    const value = readEvent({ ...stepBody(count - index, count), id: `e${index}` });
    const item = { id: value.id, value, arrival: 2 };
    return Object.defineProperty(item, 'value', {
      get() {
        reads++;
        return value;
      },
    });
  });
  for (const select of [stepsAfter(0)(), stepsAfter(0)()]) {
    const selected = items.toReversed().filter((item) => {
      const event = item.value;
      return event && select(event, { item, insertedInto: items }) !== null;
    });
    expect(selected).toHaveLength(count);
  }
  expect(reads).toBeLessThan(10 * count);
});
