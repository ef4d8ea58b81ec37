import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameCounter } from '../../../../src/server/transports/ws-frames.ts';
import { frame } from '../../../kit/client/ws-frames.ts';

describe('the counter of frames', () => {
  const sizes = fc.constantFrom(0, 1, 125, 126, 65_535, 65_536);
  const message = fc.array(fc.tuple(sizes, fc.boolean()), { minLength: 1, maxLength: 4 });

  it('counts frames and messages in bytes that are split anywhere: property', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 70_000 })),
        (messages, cuts) => {
          const frames = messages.flatMap((parts) =>
            parts.flatMap(([size, hasPing], index) => {
              const opcode = index === 0 ? 'text' : 'continuation';
              const part = frame(opcode, 'x'.repeat(size), { isFinal: index === parts.length - 1 });
              return hasPing ? [frame('ping', 'y'), part] : [part];
            }),
          );
          const bytes = Buffer.concat(frames);
          const counter = createFrameCounter();
          let count = 0;
          for (let start = 0, turn = 0; start < bytes.length; turn++) {
            const end = start + (cuts[turn] ?? bytes.length);
            count += counter.add(bytes.subarray(start, end));
            start = end;
          }
          expect([count, counter.messages, counter.isIncomplete]).toEqual([frames.length, messages.length, false]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each<[string, Buffer]>([
    ['a part of a header', frame('text', 'x').subarray(0, 1)],
    ['a part of a length', frame('text', 'x'.repeat(200)).subarray(0, 3)],
    ['a part of a mask', frame('text', 'x').subarray(0, 4)],
    ['a part of its data', frame('text', 'xy').subarray(0, 7)],
    ['a fragment', frame('text', 'x', { isFinal: false })],
    ['a fragment and a ping', Buffer.concat([frame('text', 'x', { isFinal: false }), frame('ping')])],
  ])('knows that a message is incomplete after %s', (_, bytes) => {
    const counter = createFrameCounter();
    counter.add(bytes);
    expect([counter.isIncomplete, counter.messages]).toEqual([true, 0]);
  });
});
