import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Query, queryStringOf } from '../../../../src/upstream/http/query.ts';

/** The same by URLSearchParams alone. */
function expected(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) params.append(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

const plain = fc.stringMatching(/^[\w.*-]{0,8}$/);
const ascii = fc.string({ maxLength: 2 });
const text = fc.oneof(plain, ascii, fc.string({ unit: 'binary' }));
const query = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.double(), fc.constant(null)), { maxKeys: 4 });

it('a query string has the bytes of URLSearchParams, and the base query replaces parameters: property', () => {
  fc.assert(
    fc.property(query, fc.oneof(fc.constant({}), query), (own, base) => {
      expect(queryStringOf(own, base)).toBe(expected({ ...own, ...base }));
    }),
    { numRuns: 2000 },
  );
});
