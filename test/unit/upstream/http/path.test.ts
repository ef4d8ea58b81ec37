import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { path } from '../../../../src/upstream/http/path.ts';

describe('path', () => {
  it('encodes every value as one segment', () => {
    expect(path`/a/${'x/y?z#w'}/b/${'ü'}`?.text).toBe('/a/x%2Fy%3Fz%23w/b/%C3%BC');
  });

  it('keeps its template, without the values', () => {
    expect(path`/jobs/${'ftjob-1'}/events`?.template).toBe('/jobs/{id}/events');
    expect(path`/jobs`?.template).toBe('/jobs');
  });

  it('is null for dot segments, and for percent signs that can encode them', () => {
    for (const value of [
      '.',
      '..',
      'a/../b',
      '..\\a',
      '..;',
      'a/..;x/b',
      '%2e',
      '%2E%2e',
      '%252e',
      '%2%65',
      'a%2f..',
      '%',
    ]) {
      expect(path`/a/${value}`, value).toBeNull();
    }
  });

  it('accepts dots within a name', () => {
    expect(path`/models/${'gpt-4.1-mini'}`?.text).toBe('/models/gpt-4.1-mini');
    expect(path`/models/${'a..b'}`?.text).toBe('/models/a..b');
    expect(path`/models/${'...'}`?.text).toBe('/models/...');
  });

  it('keeps any value within its segment: property', () => {
    const plain = fc.stringMatching(/^[\w.:-]{1,6}$/);
    fc.assert(
      fc.property(fc.oneof(plain, fc.string({ unit: 'binary', maxLength: 600 })), (value) => {
        const built = path`/fine_tuning/jobs/${value}/events`;
        if (built === null) return;
        const { pathname, search, hash, host } = new URL(`http://upstream/v1${built}`);
        expect([host, search, hash]).toEqual(['upstream', '', '']);
        const [, v1, tuning, jobs, segment, events, ...more] = pathname.split('/');
        expect([v1, tuning, jobs, events, more]).toEqual(['v1', 'fine_tuning', 'jobs', 'events', []]);
        expect(decodeURIComponent(segment ?? '')).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });
});
