import { describe, expect, it } from 'vitest';
import { createTokenCounter, type TokenCounter } from '../../../../src/upstream/tokens/token-counter.ts';
import { createTokenEstimator, EXACT_BYTES } from '../../../../src/upstream/tokens/token-estimator.ts';
import { validateStream } from '../../../../src/upstream/training-data/validating-stream.ts';
import { trainingLines } from '../../../kit/client/upload.ts';
import { createTestClock } from '../../../kit/clock.ts';

/** Counts a token per character, and the characters that it has received. */
function createCharacterCounter() {
  const received: string[] = [];
  const counter: TokenCounter = {
    async count(_, groups) {
      received.push(...groups.flat());
      return groups.map((texts) => texts.join('').length);
    },
    dispose: async () => {},
  };
  return { counter, length: () => received.reduce((sum, text) => sum + text.length, 0), received };
}

const failing: TokenCounter = {
  count: () => Promise.reject(new Error('The thread is gone.')),
  dispose: async () => {},
};

async function* contentOf(text: string) {
  yield Buffer.from(text);
}

describe('the thread', () => {
  it('adds up the tokens of each group', async () => {
    const counter = createTokenCounter(createTestClock());
    const groups = [['Hello', ' world'], [], ['x'.repeat(1000)]];
    expect(await counter.count('o200k_base', groups)).toEqual([2, 0, expect.any(Number)]);
    expect(await counter.count('cl100k_base', [['Hello world']])).toEqual([2]);
    await counter.dispose();
  });

  it('that is stopped rejects its counts', async () => {
    const counter = createTokenCounter(createTestClock());
    const counting = counter.count('o200k_base', [['Hello']]);
    const [result] = await Promise.allSettled([counting, counter.dispose()]);
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { message: 'The thread that counts tokens was stopped.' },
    });
  });
});

describe('the sample', () => {
  it('has all text of the first MiB, and grows with the logarithm of the text', async () => {
    const lengths: number[] = [];
    for (const doublings of [0, 1, 4]) {
      const { counter, length } = createCharacterCounter();
      const texts = createTokenEstimator(counter, 'o200k_base');
      for (let index = 0; index < 2 ** doublings * 64; index++) texts.addText('x'.repeat(EXACT_BYTES / 64));
      const { tokens, isSampled } = await texts.total();
      expect([tokens, isSampled]).toEqual([2 ** doublings * EXACT_BYTES, doublings > 0]);
      lengths.push(Math.round((10 * length()) / EXACT_BYTES) / 10);
    }
    expect(lengths).toEqual([1, 1.5, 3]);
  });

  it('takes pieces of a text of many megabytes, and cuts no surrogate pair', async () => {
    const { counter, length, received } = createCharacterCounter();
    const texts = createTokenEstimator(counter, 'o200k_base');
    const text = `x${'🎉'.repeat(EXACT_BYTES)}`;
    texts.addText(text);
    const { tokens } = await texts.total();
    expect(Math.abs(tokens / text.length - 1)).toBeLessThan(0.01);
    expect(length()).toBeLessThan(text.length / 2);
    expect(received.every((piece) => piece.isWellFormed())).toBe(true);
  });

  it('of an empty file has no tokens', async () => {
    const { counter } = createCharacterCounter();
    expect(await createTokenEstimator(counter, 'o200k_base').total()).toEqual({
      tokens: 0,
      error: 0,
      isSampled: false,
    });
  });
});

describe('a count that fails', () => {
  it('rejects the total, and does not block the texts after it', async () => {
    const texts = createTokenEstimator(failing, 'o200k_base');
    for (let index = 0; index < 100; index++) {
      texts.addText('x'.repeat(64 * 1024));
      await texts.ready();
    }
    await expect(texts.total()).rejects.toThrow('The thread is gone.');
  });

  it('is an error of the report of an upload, whose content is complete', async () => {
    const lines = trainingLines(12);
    const validated = validateStream(contentOf(lines), { counter: failing, tokenizer: 'byFormat' });
    const chunks = await Array.fromAsync(validated.content);
    expect(Buffer.concat(chunks).toString()).toBe(lines);
    expect(await validated.report()).toMatchObject({
      exampleCount: 12,
      errorCount: 0,
      estimatedTokens: new Error('The thread is gone.'),
    });
  });
});
