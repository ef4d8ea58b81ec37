import { NoAdminKey } from '../errors/upstream-error.ts';

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

/** The same for calls that need an administrator's key, which then takes the place of the other. Throws NoAdminKey when there is none. */
export function asAdmin<T extends { readonly credential: Credential }>(call: T): T {
  const { apiKey, adminKey } = call.credential;
  if (adminKey === undefined) throw new NoAdminKey();
  return { ...call, credential: { ...call.credential, apiKey: adminKey, adminKey: apiKey } };
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

/** What is nobody else's to know: also the key that this call was not made with, as another may have been. One too short is none. */
export const keysOf = ({ apiKey, adminKey = '' }: Credential): readonly string[] =>
  [apiKey, adminKey].filter(({ length }) => length >= SHORTEST_KEY);

/** Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays. */
export const withoutKey = (text: string, credential: Credential): string => keysOf(credential).reduce(cutOut, text);

function cutOut(text: string, key: string): string {
  const clean = text.replaceAll(key, CUT_OUT);
  return ESCAPES.test(clean) ? clean.replaceAll(asEscaped(key), CUT_OUT) : clean;
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
  for (const key of keysOf(credential)) {
    for (let length = key.length - 1; length >= SHORTEST_KEY; length--) {
      if (clean.endsWith(key.slice(0, length))) return clean.slice(0, -length) + CUT_OUT;
    }
  }
  return clean;
}
