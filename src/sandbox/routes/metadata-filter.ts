import { invalidType } from '../api/validation-error.ts';

type Metadata = Readonly<Record<string, string>> | null;

/**
 * Reads the filter `metadata[k]=v`, repeated for several pairs that must all be there, or `metadata=null` for jobs that
 * have none (docs/upstream.md: Metadata filter). The empty `metadata=` means the same, as that is what openai-node makes of null.
 * Throws a Refusal.
 */
export function readMetadataFilter(query: URLSearchParams): (metadata: Metadata) => boolean {
  const whole = query.get('metadata');
  if (whole !== null && whole !== '' && whole !== 'null') throw invalidType('metadata', 'an object', whole);
  if (whole !== null) return (metadata) => Object.keys(metadata ?? {}).length === 0;
  const pairs = [...query].flatMap(([name, value]) => {
    const key = /^metadata\[(.*)\]$/s.exec(name)?.[1];
    return key === undefined ? [] : [{ key, value }];
  });
  return (metadata) => pairs.every(({ key, value }) => metadata?.[key] === value);
}
