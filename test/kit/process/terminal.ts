import { Writable } from 'node:stream';
import type { Output } from '../../../src/terminal/view.ts';
import { createCounter } from '../counter.ts';

/** An output that a test reads: a terminal, or, without a size, a plain stream. */
export interface TestTerminal {
  readonly output: Output;
  /** Everything written so far, with control characters. */
  text(): string;
  /** Resolves to the match as soon as the text has one. */
  written(pattern: RegExp): Promise<RegExpExecArray>;
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
    async written(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        await writes.reached(count + 1);
      }
    },
  };
}
