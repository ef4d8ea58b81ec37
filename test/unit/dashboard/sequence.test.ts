import { expect, it } from 'vitest';
import { createSequence } from '../../../src/dashboard/data/sequence.ts';

it('a response is outdated when one of a later request came before it', () => {
  const startRequest = createSequence();
  const [first, second, third] = [startRequest(), startRequest(), startRequest()];
  expect(first()).toBe(true);
  expect(third()).toBe(true);
  expect(second()).toBe(false);
  expect(startRequest()()).toBe(true);
});
