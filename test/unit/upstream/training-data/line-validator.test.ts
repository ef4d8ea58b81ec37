import { describe, expect, it } from 'vitest';
import type { TrainingFormat } from '../../../../src/upstream/training-data/example-rules.ts';
import { createLineValidator } from '../../../../src/upstream/training-data/line-validator.ts';

const LINES = {
  chat: {
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ],
  },
  completion: { prompt: 'q', completion: 'a' },
  preference: {
    input: { messages: [{ role: 'user', content: 'q' }] },
    preferred_output: [{ role: 'assistant', content: 'a' }],
    non_preferred_output: [{ role: 'assistant', content: 'b' }],
  },
  reinforcement: { messages: [{ role: 'user', content: 'q' }], reference_answer: 'a' },
};
const FORMATS: TrainingFormat[] = ['chat', 'completion', 'preference', 'reinforcement'];
const fileOf = (...formats: readonly TrainingFormat[]) =>
  new TextEncoder().encode(formats.map((format) => `${JSON.stringify(LINES[format])}\n`).join(''));

function validate(formats: readonly TrainingFormat[] | null, file: Uint8Array) {
  const validator = createLineValidator({ formats });
  validator.add(file);
  const early = validator.errorCount;
  return { early, validator, ...validator.report() };
}

describe('a file for a method', () => {
  const pairs = FORMATS.flatMap((allowed) => FORMATS.map((format) => [allowed, format] as const));

  it.each(pairs)(
    'that trains on %s has no errors, or one of each %s example, and says so at once',
    (allowed, format) => {
      const { early, errorCount, format: found, issues, validator } = validate([allowed], fileOf(format, format));
      const isAllowed = allowed === format;
      expect([early > 0, errorCount > 0]).toEqual([!isAllowed, !isAllowed]);
      expect(validator.majorityFormat).toBe(format);
      const errors = issues.filter(({ severity }) => severity === 'error');
      expect(new Set(errors.map(({ line }) => line))).toEqual(new Set(isAllowed ? [] : [1, 2]));
      if (isAllowed) expect(found).toBe(format);
    },
  );

  it('has the more usual one of two formats, and an error where an example has another one', () => {
    expect(validate(['chat', 'completion'], fileOf('completion', 'completion')).errorCount).toBe(0);
    const { issues } = validate(['chat', 'completion'], fileOf('completion', 'chat', 'completion'));
    expect(issues[0]).toEqual({
      line: 2,
      severity: 'error',
      message: 'has the format chat; expected completion, the format of the method',
    });
  });

  it('without an example has its errors too', () => {
    const { early, errorCount, lineCount } = (({ validator, ...report }) => ({
      ...report,
      lineCount: validator.lineCount,
    }))(validate(['preference'], new TextEncoder().encode('no JSON\n[]\n')));
    expect([early, errorCount, lineCount]).toEqual([2, 2, 2]);
  });

  it('has the same partial report each time, also within a line that is too long', () => {
    const validator = createLineValidator();
    validator.add(new Uint8Array(9 * 1024 * 1024).fill(0x61));
    expect(validator.partialReport()).toEqual(validator.partialReport());
    expect(validator.partialReport()).toMatchObject({ exampleCount: 1, characterCount: 9 * 1024 * 1024 });
  });
});
