/** On whose behalf the upstream is called. */
export interface Credential {
  readonly apiKey: string;
  readonly organizationId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** Where a key is sent: with the word `Bearer` in front, or bare in Azure's own header. */
export type KeyHeader = 'authorization' | 'api-key';

/** Fewest characters of a secret; servers that need none are given any text, which must not be cut out of others. */
export const SHORTEST_KEY = 8;
/** What stands in the place of a key. */
const CUT_OUT = '[credential]';

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
  return apiKey.length < SHORTEST_KEY ? text : text.replaceAll(apiKey, CUT_OUT);
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
