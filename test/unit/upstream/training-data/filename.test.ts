import { describe, expect, it } from 'vitest';
import { sanitizeFilename } from '../../../../src/upstream/training-data/filename.ts';

describe('sanitizeFilename', () => {
  it.each([
    ['train.jsonl', 'train.jsonl'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\data\\train set.jsonl', 'train set.jsonl'],
    ['žluť-数据.jsonl', 'žluť-数据.jsonl'],
    ['a"b\'c`.jsonl', 'a_b_c_.jsonl'],
    ['a\r\nX: y\0.jsonl', 'a__X: y_.jsonl'],
    ['a%22b%0D%0A.jsonl', 'a_b__.jsonl'],
    ['a\u202Egpj.exe', 'a_gpj.exe'],
    ['a\uD800.jsonl', 'a\uFFFD.jsonl'],
    ['', 'upload'],
    ['..', 'upload'],
    ['a/', 'upload'],
    ['   ', 'upload'],
    ['\n', 'upload'],
    [`${'x'.repeat(10_000)}.jsonl`, `${'x'.repeat(194)}.jsonl`],
    ['x'.repeat(10_000), 'x'.repeat(200)],
    [`a.${'x'.repeat(10_000)}`, `a.${'x'.repeat(198)}`],
    ['𝒳'.repeat(300), '𝒳'.repeat(200)],
  ])('turns %j into %j', (filename, sanitized) => {
    expect(sanitizeFilename(filename)).toBe(sanitized);
  });
});
