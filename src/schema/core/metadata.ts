import { isMarkName } from '../../upstream/resources/idempotency-mark.ts';
import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';

/** As many as an object can have, and their longest (docs/upstream.md: Creating a job). */
const MAX_PAIRS = 16;
const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 512;

/** A pair of an object's metadata. */
export const MetadataEntry = builder.objectRef<{ key: string; value: string }>('MetadataEntry').implement({
  description: 'A pair of metadata that was attached to an object.',
  fields: (t) => ({
    key: t.exposeString('key', { nullable: false, description: 'Up to 64 characters.' }),
    value: t.exposeString('value', { nullable: false, description: 'Up to 512 characters.' }),
  }),
});

/** The pairs in their order; a value that is not a string, as some servers have it, is given as its JSON text. */
export function metadataEntries(metadata: Record<string, unknown> | null) {
  return Object.entries(metadata ?? {}).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

/** A pair that an object is asked to have, or is given. */
export const MetadataEntryInput = builder.inputType('MetadataEntryInput', {
  description: 'A pair of metadata.',
  fields: (t) => ({
    key: t.string({ required: true, description: `Up to ${MAX_KEY_LENGTH} characters; what is longer is refused.` }),
    value: t.string({
      required: true,
      description: `Up to ${MAX_VALUE_LENGTH} characters; what is longer is refused.`,
    }),
  }),
});

/** Pairs that a client gives, sorted by their keys. Throws BAD_USER_INPUT naming the argument, and of a pair its place. */
export function readPairs(
  argument: string,
  given: readonly (typeof MetadataEntryInput.$inferInput)[] | null | undefined,
): Record<string, string> {
  const pairs = given ?? [];
  if (pairs.length > MAX_PAIRS) throw badUserInput(argument, `at most ${MAX_PAIRS} pairs, got ${pairs.length}`);
  for (const [place, { key, value }] of pairs.entries()) {
    expectLength(`${argument}[${place}].key`, key, MAX_KEY_LENGTH);
    if (isMarkName(key)) throw badUserInput(`${argument}[${place}].key`, "a key that is not the gateway's own");
    expectLength(`${argument}[${place}].value`, value, MAX_VALUE_LENGTH);
  }
  const byKey = new Map(pairs.map(({ key, value }) => [key, value]));
  if (byKey.size < pairs.length) throw badUserInput(argument, 'each key once');
  return Object.fromEntries([...byKey].sort());
}

// In characters as the upstream counts them, not in halves of surrogate pairs.
function expectLength(argument: string, text: string, most: number): void {
  const { length } = [...text];
  if (length > most) throw badUserInput(argument, `at most ${most} characters, got ${length}`);
}
