import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMissingEndpoint, readErrorBody } from '../../../../src/upstream/errors/error-body.ts';

const SENTENCE = 'The suffix is too long.';

describe('readErrorBody', () => {
  const names = fc.constantFrom('error', 'errors', 'detail', 'message', 'msg', 'code', 'loc', 'title', '__proto__');
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.dictionary(names, tie('json')),
      fc.array(tie('json'), { maxLength: 7 }),
    ),
  }));

  it('returns a text for any JSON and any content type: property', () => {
    fc.assert(
      fc.property(json, fc.option(fc.string(), { nil: undefined }), (body, contentType) => {
        const read = readErrorBody(JSON.stringify(body), contentType);
        expect(typeof read.message).toBe('string');
        expect(read.code === null || typeof read.code === 'string').toBe(true);
        expect(typeof isMissingEndpoint(read)).toBe('boolean');
      }),
    );
  });

  it('returns a sentence without quotes and brackets, wherever it is nested: property', () => {
    const wrapper = fc.constantFrom<(value: unknown) => unknown>(
      (value) => ({ error: value }),
      (value) => ({ detail: value }),
      (value) => ({ message: value }),
      (value) => ({ errors: [value] }),
      (value) => ({ error: { code: 'x', message: value } }),
      (value) => ({ error: { error: value } }),
    );
    fc.assert(
      fc.property(wrapper, fc.constantFrom('text', 'message', 'msg'), (wrap, form) => {
        const body = wrap(form === 'text' ? SENTENCE : { [form]: SENTENCE });
        expect(readErrorBody(JSON.stringify(body)).message).toBe(SENTENCE);
      }),
    );
  });

  it('bounds a body that is nested deep or has many items', () => {
    const deep = `${'{"error":'.repeat(5000)}"x"${'}'.repeat(5000)}`;
    expect(readErrorBody(deep).message).toBe('nested too deep');
    const many = JSON.stringify({ errors: Array.from({ length: 100_000 }, () => ({ message: 'No.' })) });
    expect(readErrorBody(many).message).toBe('No.; No.; No.; No.; No.; and 99995 more');
  });
});
