import { describe, expect, it } from 'vitest';
import { contentDisposition } from '../../../../src/sandbox/api/download.ts';

describe('contentDisposition', () => {
  it('escapes quotes and backslashes', () => {
    expect(contentDisposition('a"b\\c.csv')).toBe(String.raw`attachment; filename="a\"b\\c.csv"`);
  });

  it('prevents header injection by a file name', () => {
    expect(contentDisposition('a\r\nset-cookie: b')).toBe(
      `attachment; filename="a__set-cookie: b"; filename*=UTF-8''a%0D%0Aset-cookie%3A%20b`,
    );
  });

  it('has a name in UTF-8 beside the one in ASCII', () => {
    expect(contentDisposition("é'(1).csv")).toBe(
      `attachment; filename="_'(1).csv"; filename*=UTF-8''%C3%A9%27%281%29.csv`,
    );
  });

  it('accepts a lone surrogate', () => {
    expect(contentDisposition('\ud800')).toBe(`attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`);
  });
});
