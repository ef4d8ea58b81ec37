import { describe, expect, it } from 'vitest';
import { explainNoMatch, suggestMetadata } from '../../../src/dashboard/board/metadata-filter.ts';

const JOBS = [
  { metadata: [{ key: 'stage', value: 'production' }] },
  {
    metadata: [
      { key: 'stage', value: 'experiment' },
      { key: 'Note', value: 'first, second' },
    ],
  },
  { metadata: [] },
];

describe('the metadata filter', () => {
  it('suggests the keys and pairs of the jobs once, without what a comma would separate', () => {
    expect(suggestMetadata([...JOBS, ...JOBS], '')).toEqual([
      'Note',
      'Note=first',
      'stage',
      'stage=experiment',
      'stage=production',
    ]);
  });

  it('suggests the next pair behind those that are entered', () => {
    expect(suggestMetadata(JOBS, 'stage=e,no')).toContain('stage=e, Note=first');
  });

  it.each([
    ['stage=x', 'No job has a value of “stage” that begins with “x”. Values: experiment, production.'],
    ['stage, tea', 'No job has the metadata key “tea”. Keys: Note, stage.'],
    ['stage=production, note=first', ''],
    ['', ''],
  ])('explains why %s matches no job', (filter, reason) => {
    expect(explainNoMatch(JOBS, filter)).toBe(reason);
  });

  it('names a few of many values', () => {
    const jobs = Array.from({ length: 20 }, (_, index) => ({ metadata: [{ key: 'run', value: `r${index + 10}` }] }));
    expect(explainNoMatch(jobs, 'run=x')).toContain('Values: r10, r11, r12, r13, r14, r15, r16, r17, and 12 more.');
    expect(explainNoMatch([{ metadata: [] }], 'run')).toContain('No job has metadata.');
  });
});
