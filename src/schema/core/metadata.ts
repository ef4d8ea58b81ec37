import { isMarkName } from '../../upstream/resources/idempotency-mark.ts';
import type { MetadataPair } from '../../upstream/resources/job-parts.ts';
import { builder } from './builder.ts';
import { badUserInput } from './errors.ts';

/** Limits of the metadata of an object (docs/upstream.md: Creating a job). */
const MAX_PAIRS = 16;
const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 512;

/** A pair of the metadata of an object. */
export const MetadataEntry = builder.objectRef<MetadataPair>('MetadataEntry').implement({
  description: 'A pair of the metadata of an object.',
  fields: (t) => ({
    key: t.exposeString('key', {
      nullable: false,
      description: 'The key, such as `team`.',
    }),
    value: t.exposeString('value', {
      nullable: false,
      description:
        'The value, such as `support`. The JSON text of a value that is not a string, as some servers allow; `nested too deep` or `too long` when it has more than 100 levels or 10000 characters.',
    }),
  }),
});

/** A pair to filter by or to attach. */
export const MetadataEntryInput = builder.inputType('MetadataEntryInput', {
  description: 'A pair of metadata, to filter by or to attach to a job.',
  fields: (t) => ({
    key: t.string({ required: true, description: `The key, such as \`team\`: at most ${MAX_KEY_LENGTH} characters.` }),
    value: t.string({
      required: true,
      description: `The value, such as \`support\`: at most ${MAX_VALUE_LENGTH} characters.`,
    }),
  }),
});

/** Returns the pairs of an argument, sorted by key. Throws BAD_USER_INPUT naming the argument and the index of the pair. */
export function readPairs(
  argument: string,
  input: readonly (typeof MetadataEntryInput.$inferInput)[] | null | undefined,
): Record<string, string> {
  const pairs = input ?? [];
  if (pairs.length > MAX_PAIRS)
    throw badUserInput(argument, `has ${pairs.length} pairs; expected at most ${MAX_PAIRS}`);
  const byKey = new Map<string, string>();
  for (const [index, { key, value }] of pairs.entries()) {
    const keyPath = `${argument}[${index}].key`;
    assertLength(keyPath, key, MAX_KEY_LENGTH);
    if (isMarkName(key)) throw badUserInput(keyPath, 'is reserved for the gateway; expected another key, such as team');
    assertLength(`${argument}[${index}].value`, value, MAX_VALUE_LENGTH);
    if (byKey.has(key))
      throw badUserInput(argument, `has the key ${JSON.stringify(key)} twice; expected each key once`);
    byKey.set(key, value);
  }
  return Object.fromEntries([...byKey].sort());
}

// Counts characters as the upstream does: a surrogate pair is one character.
function assertLength(argument: string, text: string, maxLength: number): void {
  const { length } = [...text];
  if (length > maxLength) throw badUserInput(argument, `has ${length} characters; expected at most ${maxLength}`);
}
