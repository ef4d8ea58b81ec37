import { builder } from './builder.ts';

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
    key: t.string({ required: true, description: 'Up to 64 characters.' }),
    value: t.string({ required: true, description: 'Up to 512 characters.' }),
  }),
});
