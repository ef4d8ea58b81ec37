import { NoAdminKey } from './errors.ts';

/** On whose behalf the upstream is called. */
export interface Credential {
  readonly apiKey: string;
  readonly organizationId?: string | undefined;
  readonly projectId?: string | undefined;
  /** The key of an administrator, for the few calls that need one; sent with no others. */
  readonly adminKey?: string | undefined;
}

/** Where a key is sent: with the word `Bearer` in front, or bare in Azure's own header. */
export type KeyHeader = 'authorization' | 'api-key';

/** Fewest characters of a secret; servers that need none are given any text, which must not be cut out of others. */
export const SHORTEST_KEY = 8;
/** What stands in the place of a key. */
const CUT_OUT = '[credential]';

/** The same for calls that need an administrator's key. Throws NoAdminKey when there is none. */
export function asAdmin<T extends { readonly credential: Credential }>(call: T): T {
  const { adminKey, ...credential } = call.credential;
  if (adminKey === undefined) throw new NoAdminKey();
  return { ...call, credential: { ...credential, apiKey: adminKey } };
}

/** The headers that say who asks. */
export function headersOf(
  { apiKey, organizationId, projectId }: Credential,
  keyHeader: KeyHeader,
): Record<string, string> {
  return {
    [keyHeader]: keyHeader === 'api-key' ? apiKey : `Bearer ${apiKey}`,
    ...(organizationId !== undefined && { 'openai-organization': organizationId }),
    ...(projectId !== undefined && { 'openai-project': projectId }),
  };
}

/** Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays. */
export function withoutKey(text: string, { apiKey }: Credential): string {
  if (apiKey.length < SHORTEST_KEY) return text;
  const clean = text.replaceAll(apiKey, CUT_OUT);
  return ESCAPES.test(clean) ? clean.replaceAll(asEscaped(apiKey), CUT_OUT) : clean;
}

// JSON can write any character in another way, and some servers do: `\/`, `\u0026`.
const ESCAPES = /\\(?:\/|u00)/;

function asEscaped(key: string): RegExp {
  const characters = [...key].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `(?:\\\\?${RegExp.escape(character)}|\\\\u${hex})`;
  });
  return new RegExp(characters.join(''), 'gi');
}

/** As `withoutKey`, for a text that was cut off: its end may be most of a key, which is nearly as good as all of it. */
export function withoutKeyToTheEnd(text: string, credential: Credential): string {
  const clean = withoutKey(text, credential);
  const { apiKey } = credential;
  for (let length = apiKey.length - 1; length >= SHORTEST_KEY; length--) {
    if (clean.endsWith(apiKey.slice(0, length))) return clean.slice(0, -length) + CUT_OUT;
  }
  return clean;
}
