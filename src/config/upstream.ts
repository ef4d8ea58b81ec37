import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { type DialectName, sandboxSettings } from '../sandbox/settings.ts';
import type { Credential } from '../upstream/credentials/credential.ts';
import { isWebhookSecret } from '../upstream/resources/webhook.ts';

// Whom the gateway asks: the part of the configuration that says so.

export type Environment = Readonly<Record<string, string | undefined>>;

const headerText = z.string().regex(/^[\x21-\x7e]+$/, 'expected visible ASCII characters only');
const baseUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .transform((text) => new URL(text))
  .refine(
    (url) => !url.username && !url.password && !url.search && !url.hash,
    'expected a URL without user, query and fragment',
  );

// Quotes and backslashes would be written in another way in JSON, and escape the search for the key there.
const keyText = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
  error: 'expected visible ASCII characters only, without quotes and backslashes',
  abort: true,
});

/** The variables that decide it. */
export const upstreamSettings = {
  OPENAI_API_KEY: keyText.optional().describe('the upstream credential; without one, the sandbox answers'),
  OPENAI_API_KEY_FILE: z.string().optional().describe('a file that holds it'),
  UPSTREAM: z
    .enum(['openai', 'azure', 'sandbox'], 'expected openai, azure or sandbox')
    .optional()
    .describe('openai, azure or sandbox; if unset, the one whose key is set, and sandbox without'),
  OPENAI_BASE_URL: baseUrl.default(new URL('https://api.openai.com/v1')).describe('any server that speaks the dialect'),
  OPENAI_ORG_ID: headerText.optional().describe('sent as OpenAI-Organization'),
  OPENAI_PROJECT_ID: headerText.optional().describe('sent as OpenAI-Project'),
  OPENAI_ADMIN_KEY: keyText
    .optional()
    .describe('the key of an administrator, sent with calls about the permissions of checkpoints, which need one'),
  OPENAI_WEBHOOK_SECRET: keyText
    .refine(isWebhookSecret, 'expected whsec_ and base64, or another text of at least 8 characters')
    .optional()
    .describe('turns on POST /webhooks/openai: what OpenAI signs its webhooks with, whsec_…'),
  AZURE_OPENAI_ENDPOINT: baseUrl
    .optional()
    .describe('the Azure OpenAI resource, https://NAME.openai.azure.com; or its newer API, ending in /openai/v1'),
  AZURE_OPENAI_API_KEY: keyText.optional().describe("the resource's key"),
  OPENAI_API_VERSION: headerText.optional().describe("Azure's api-version, such as 2024-10-21; the newer API has none"),
  ...sandboxSettings,
};

type Settings = z.output<z.ZodObject<typeof upstreamSettings>>;

export type UpstreamConfig =
  | {
      readonly kind: 'sandbox';
      readonly port: number;
      readonly speed: number;
      readonly seed: number;
      readonly dialect: DialectName;
      /** What its permissions of checkpoints take, if not a key that it makes up. */
      readonly adminKey: string | undefined;
      readonly quota: { readonly concurrent?: number | undefined; readonly perDay?: number | undefined } | undefined;
      /** Where it sends webhooks, if not to this gateway. */
      readonly webhookUrl: URL | undefined;
      readonly webhookSecret: string | undefined;
    }
  | { readonly kind: 'openai' | 'azure'; readonly baseUrl: URL; readonly credential: Credential };

const hasKey = ({ OPENAI_API_KEY, OPENAI_API_KEY_FILE }: Environment) => Boolean(OPENAI_API_KEY ?? OPENAI_API_KEY_FILE);
const bringsKeys = ({ AUTH }: Environment) => AUTH === 'passthrough';
const hasAzure = ({ AZURE_OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT }: Environment) =>
  Boolean(AZURE_OPENAI_API_KEY ?? AZURE_OPENAI_ENDPOINT);

/** Which kind it is: without a key the sandbox, unless somebody clearly means a real server. */
export function upstreamKind(environment: Environment): string {
  const { UPSTREAM, OPENAI_BASE_URL, NODE_ENV } = environment;
  if (UPSTREAM !== undefined) return UPSTREAM;
  const hasKeys = hasKey(environment) || bringsKeys(environment);
  const meansReal = hasKeys || OPENAI_BASE_URL !== undefined || NODE_ENV === 'production';
  return hasAzure(environment) ? 'azure' : meansReal ? 'openai' : 'sandbox';
}

/** What contradicts itself or is missing: one sentence each. */
export function upstreamFaults(environment: Environment): string[] {
  const kind = upstreamKind(environment);
  const isUndecided = environment['UPSTREAM'] === undefined && hasKey(environment) && hasAzure(environment);
  return [
    ...(isUndecided ? ['UPSTREAM: expected openai or azure, as there are settings for both'] : []),
    ...(kind === 'openai' ? missingKey(environment) : []),
    ...(kind === 'azure' ? missingOfAzure(environment) : []),
    ...(kind === 'sandbox' ? missingSecret(environment) : []),
    ...(kind === 'openai' || kind === 'azure' ? openToAll(environment) : []),
  ];
}

function missingKey(environment: Environment): string[] {
  if (hasKey(environment) || bringsKeys(environment)) return [];
  return [
    'OPENAI_API_KEY: expected the upstream credential (any text for a server that needs none), or UPSTREAM=sandbox',
  ];
}

function missingOfAzure(environment: Environment): string[] {
  const { AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: key, OPENAI_API_VERSION: version } = environment;
  return [
    ...(endpoint ? [] : ['AZURE_OPENAI_ENDPOINT: expected the address of the resource, https://NAME.openai.azure.com']),
    ...(key || bringsKeys(environment) ? [] : ['AZURE_OPENAI_API_KEY: expected the key of the resource']),
    ...(version || isNewAzure(endpoint ?? '') ? [] : ['OPENAI_API_VERSION: expected a version, such as 2024-10-21']),
  ];
}

function missingSecret({ SANDBOX_WEBHOOK_URL: url, SANDBOX_WEBHOOK_SECRET: secret }: Environment): string[] {
  if (url === undefined || secret !== undefined) return [];
  return ['SANDBOX_WEBHOOK_SECRET: expected a secret, as SANDBOX_WEBHOOK_URL is set: who is sent to has to know it'];
}

function openToAll({ HOST, AUTH = 'none' }: Environment): string[] {
  if (HOST === undefined || isLoopback(HOST) || AUTH !== 'none') return [];
  return [
    'HOST: expected a loopback address such as 127.0.0.1, or AUTH=tokens: callers are not authenticated, so everybody who reached another address could use your upstream credential',
  ];
}

const isNewAzure = (endpoint: string) => /\/openai\/v1\/?$/.test(endpoint);

// Where the API of a resource begins; the older one wants its version in every query (docs/upstream.md: Other servers).
function azureBaseUrl(endpoint: URL, version: string | undefined): URL {
  const path = endpoint.pathname.replace(/\/$/, '');
  const url = new URL(endpoint);
  url.pathname = isNewAzure(path) || path.endsWith('/openai') ? path : `${path}/openai`;
  if (version !== undefined) url.searchParams.set('api-version', version);
  return url;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Settings that have no faults, as what is asked by them. */
export function upstreamOf(values: Settings, kind: string): UpstreamConfig {
  const { AZURE_OPENAI_ENDPOINT: endpoint, OPENAI_API_VERSION: version } = values;
  if (kind === 'azure' && endpoint) {
    const credential = { apiKey: values.AZURE_OPENAI_API_KEY ?? '' };
    return { kind: 'azure', baseUrl: azureBaseUrl(endpoint, version), credential };
  }
  if (kind === 'sandbox') {
    const { SANDBOX_PORT: port, SANDBOX_SPEED: speed, SANDBOX_SEED: seed, SANDBOX_DIALECT: dialect } = values;
    const { SANDBOX_WEBHOOK_URL: webhookUrl, SANDBOX_WEBHOOK_SECRET: webhookSecret } = values;
    const { SANDBOX_ADMIN_KEY: adminKey, SANDBOX_CONCURRENT_JOBS: concurrent, SANDBOX_JOBS_PER_DAY: perDay } = values;
    const quota = concurrent === undefined && perDay === undefined ? undefined : { concurrent, perDay };
    return { kind, port, speed, seed, dialect, adminKey, quota, webhookUrl, webhookSecret };
  }
  const credential = {
    apiKey: values.OPENAI_API_KEY ?? '',
    organizationId: values.OPENAI_ORG_ID,
    projectId: values.OPENAI_PROJECT_ID,
    adminKey: values.OPENAI_ADMIN_KEY,
  };
  return { kind: 'openai', baseUrl: values.OPENAI_BASE_URL, credential };
}
