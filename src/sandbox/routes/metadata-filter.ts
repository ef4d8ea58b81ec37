import { invalidType } from '../api/validation-error.ts';

type Metadata = Readonly<Record<string, string>> | null;

/**
 * Reads the filter `metadata[k]=v`, which can be repeated: jobs match when they have all pairs. `metadata=null` matches
 * jobs without metadata (docs/upstream.md: Metadata filter), as does `metadata=`, which openai-node sends for null.
 * Throws ApiError.
 */
export function readMetadataFilter(query: URLSearchParams): (metadata: Metadata) => boolean {
  const value = query.get('metadata');
  if (value !== null && value !== '' && value !== 'null') throw invalidType('metadata', 'an object', value);
  if (value !== null) return (metadata) => Object.keys(metadata ?? {}).length === 0;
  const pairs = [...query].flatMap(([name, value]) => {
    const key = /^metadata\[(.*)\]$/s.exec(name)?.[1];
    return key === undefined ? [] : [{ key, value }];
  });
  return (metadata) => pairs.every(({ key, value }) => metadata?.[key] === value);
}
