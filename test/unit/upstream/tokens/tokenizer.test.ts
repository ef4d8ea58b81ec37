import { expect, it } from 'vitest';
import { tokenizerOf } from '../../../../src/upstream/tokens/tokenizer.ts';

it.each([
  ['gpt-4.1', 'o200k_base'],
  ['gpt-4.1-mini-2025-04-14', 'o200k_base'],
  ['gpt-4o-mini-2024-07-18', 'o200k_base'],
  ['gpt-5', 'o200k_base'],
  ['gpt-oss-20b', 'o200k_base'],
  ['o4-mini-2025-04-16', 'o200k_base'],
  ['ft:gpt-4o-mini-2024-07-18:acme::abc', 'o200k_base'],
  ['gpt-4o-mini-2024-07-18.ft-abc', 'o200k_base'],
  ['gpt-4', 'cl100k_base'],
  ['gpt-4-0613', 'cl100k_base'],
  ['gpt-3.5-turbo-0125', 'cl100k_base'],
  ['gpt-35-turbo', 'cl100k_base'],
  ['babbage-002', 'cl100k_base'],
  ['davinci-002', 'cl100k_base'],
  ['gpt-4oo', null],
  ['gpt-41', null],
  ['davinci', null],
  ['o400', null],
  ['meta-llama/Llama-3.1-8B', null],
  ['', null],
])('the tokenizer of %j is %s', (modelId, tokenizer) => {
  expect(tokenizerOf(modelId)).toBe(tokenizer);
});
