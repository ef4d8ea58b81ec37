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
export const MIN_KEY_LENGTH = 8;

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
export const secretsOf = ({ apiKey, adminKey = '' }: Credential): readonly string[] =>
  [apiKey, adminKey].filter(({ length }) => length >= MIN_KEY_LENGTH);
