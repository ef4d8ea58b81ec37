import { Writable } from 'node:stream';
import type { Output } from '../../../src/terminal/view.ts';
import { createCounter } from '../counter.ts';

/** A terminal that a test reads, or, without a size, an output that is none. */
export interface TestTerminal {
  readonly output: Output;
  /** All that was written to it so far, as it was. */
  text(): string;
  /** Resolves with the match once what was written has one. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

export function createTerminal(size?: { columns: number; rows: number }): TestTerminal {
  let text = '';
  let count = 0;
  const writes = createCounter();
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      count++;
      writes.count();
      done();
    },
  });
  return {
    output: Object.assign(stream, size && { isTTY: true, ...size }),
    text: () => text,
    async said(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        await writes.reached(count + 1);
      }
    },
  };
}
