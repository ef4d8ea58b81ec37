import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { sandboxSettings } from './sandbox/settings.ts';
import type { Credential } from './upstream/http.ts';

/** The environment is not fit to start with. Thrown by `readConfig`; `faults` has one sentence for each variable at fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const int = (least: number, most: number) => {
  const expected = `expected a whole number from ${least} to ${most}`;
  return z
    .stringFormat('int', /^\d{1,15}$/, expected)
    .transform(Number)
    .pipe(z.number().min(least, expected).max(most, expected));
};
const list = (expected: string, item: RegExp) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(z.string().regex(item, expected)).min(1, expected));
const headerText = z.string().regex(/^[\x21-\x7e]+$/, 'expected visible ASCII characters only');
const baseUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .transform((text) => new URL(text))
  .refine(
    (url) => !url.username && !url.password && !url.search && !url.hash,
    'expected a URL without user, query and fragment',
  );

// Quotes and backslashes would be written in another way in JSON, and escape the search for the key there.
const keyText = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected visible ASCII characters only, without quotes and backslashes');

/** Every variable that is read: how, and what it means. `--help` and the README show this. */
export const settings = {
  HOST: z.string().default('127.0.0.1').describe('the address it listens on'),
  PORT: int(0, 65535).default(4000).describe('the port it listens on; 0 takes any free one'),
  ALLOWED_HOSTS: list('expected host names without ports, separated by commas', /^[\w.-]+$|^\[[\da-f:.]+\]$/)
    .optional()
    .describe('Host and Origin names that are answered, beside the loopback names'),
  OPENAI_API_KEY: keyText.optional().describe('the upstream credential; without one, the sandbox answers'),
  OPENAI_API_KEY_FILE: z.string().optional().describe('a file that holds it'),
  UPSTREAM: z
    .enum(['openai', 'azure', 'sandbox'], 'expected openai, azure or sandbox')
    .optional()
    .describe('openai, azure or sandbox; if unset, the one whose key is set, and sandbox without'),
  OPENAI_BASE_URL: baseUrl.default(new URL('https://api.openai.com/v1')).describe('any server that speaks the dialect'),
  OPENAI_ORG_ID: headerText.optional().describe('sent as OpenAI-Organization'),
  OPENAI_PROJECT_ID: headerText.optional().describe('sent as OpenAI-Project'),
  AZURE_OPENAI_ENDPOINT: baseUrl
    .optional()
    .describe('the Azure OpenAI resource, https://NAME.openai.azure.com; or its newer API, ending in /openai/v1'),
  AZURE_OPENAI_API_KEY: keyText.optional().describe("the resource's key"),
  OPENAI_API_VERSION: headerText.optional().describe("Azure's api-version, such as 2024-10-21; the newer API has none"),
  UPSTREAM_TIMEOUT_MS: int(1, 600_000).default(30_000).describe('longest wait for the whole of an upstream answer'),
  UPSTREAM_CONNECTIONS: int(1, 1024).default(64).describe('most sockets to the upstream'),
  CACHE_ACTIVE_MS: int(0, 3_600_000)
    .default(1000)
    .describe('oldest answer about what still moves; 0 shares only reads under way'),
  CACHE_SETTLED_MS: int(0, 86_400_000).default(300_000).describe('oldest answer about what no longer changes'),
  CACHE_MAX_MB: int(1, 65_536).default(128).describe('most memory for kept answers'),
  ...sandboxSettings,
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'expected trace, debug, info, warn, error, fatal or silent',
    )
    .default('info')
    .describe('the least that is logged: trace, debug, info, warn, error, fatal or silent'),
};

type Settings = z.output<z.ZodObject<typeof settings>>;

export type UpstreamConfig =
  | { readonly kind: 'sandbox'; readonly port: number; readonly speed: number; readonly seed: number }
  | { readonly kind: 'openai' | 'azure'; readonly baseUrl: URL; readonly credential: Credential };

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly upstream: UpstreamConfig;
  readonly upstreamTimeoutMs: number;
  readonly upstreamConnections: number;
  readonly cache: { readonly activeMs: number; readonly settledMs: number; readonly maxBytes: number };
  readonly logLevel: Settings['LOG_LEVEL'];
}

/** Reads the whole configuration, or throws a ConfigError with all its faults. An empty variable counts as unset. */
export function readConfig(environment: Environment): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { key, fault } = readKeyFile(given);
  const parsed = z.object(settings).safeParse({ ...given, ...(key !== undefined && { OPENAI_API_KEY: key }) });
  const faults = [
    ...new Set((parsed.error?.issues ?? []).map(({ path, message }) => `${String(path[0])}: ${message}`)),
    ...(fault === undefined ? [] : [fault]),
    ...contradictions(given),
  ];
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return assemble(parsed.data, upstreamKind(given));
}

function readKeyFile({ OPENAI_API_KEY: key, OPENAI_API_KEY_FILE: file }: Environment): {
  key?: string;
  fault?: string;
} {
  if (file === undefined) return {};
  if (key !== undefined) return { fault: 'OPENAI_API_KEY_FILE: expected to be unset when OPENAI_API_KEY is set' };
  try {
    return { key: readFileSync(file, 'utf8').trim() };
  } catch {
    return { fault: 'OPENAI_API_KEY_FILE: expected the path of a file that can be read' };
  }
}

const hasKey = ({ OPENAI_API_KEY, OPENAI_API_KEY_FILE }: Environment) => Boolean(OPENAI_API_KEY ?? OPENAI_API_KEY_FILE);
const hasAzure = ({ AZURE_OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT }: Environment) =>
  Boolean(AZURE_OPENAI_API_KEY ?? AZURE_OPENAI_ENDPOINT);

// Without a key the sandbox answers, unless somebody clearly means a real server.
function upstreamKind(environment: Environment): string {
  const { UPSTREAM, OPENAI_BASE_URL, NODE_ENV } = environment;
  if (UPSTREAM !== undefined) return UPSTREAM;
  const meansReal = hasKey(environment) || OPENAI_BASE_URL !== undefined || NODE_ENV === 'production';
  return hasAzure(environment) ? 'azure' : meansReal ? 'openai' : 'sandbox';
}

function contradictions(environment: Environment): string[] {
  const kind = upstreamKind(environment);
  const isUndecided = environment['UPSTREAM'] === undefined && hasKey(environment) && hasAzure(environment);
  return [
    ...(isUndecided ? ['UPSTREAM: expected openai or azure, as there are settings for both'] : []),
    ...(kind === 'openai' ? missingKey(environment) : []),
    ...(kind === 'azure' ? missingOfAzure(environment) : []),
    ...(kind === 'openai' || kind === 'azure' ? openToAll(environment) : []),
  ];
}

function missingKey(environment: Environment): string[] {
  if (hasKey(environment)) return [];
  return [
    'OPENAI_API_KEY: expected the upstream credential (any text for a server that needs none), or UPSTREAM=sandbox',
  ];
}

function missingOfAzure(environment: Environment): string[] {
  const { AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: key, OPENAI_API_VERSION: version } = environment;
  return [
    ...(endpoint ? [] : ['AZURE_OPENAI_ENDPOINT: expected the address of the resource, https://NAME.openai.azure.com']),
    ...(key ? [] : ['AZURE_OPENAI_API_KEY: expected the key of the resource']),
    ...(version || isNewAzure(endpoint ?? '') ? [] : ['OPENAI_API_VERSION: expected a version, such as 2024-10-21']),
  ];
}

function openToAll({ HOST }: Environment): string[] {
  if (HOST === undefined || isLoopback(HOST)) return [];
  return [
    'HOST: expected a loopback address such as 127.0.0.1: callers are not authenticated, so everybody who reached another address could use your upstream credential',
  ];
}

const isNewAzure = (endpoint: string) => /\/openai\/v1\/?$/.test(endpoint);

// Where the API of a resource begins; the older one wants its version in every query (UPSTREAM.md 5).
function azureBaseUrl(endpoint: URL, version: string | undefined): URL {
  const path = endpoint.pathname.replace(/\/$/, '');
  const url = new URL(endpoint);
  url.pathname = isNewAzure(path) || path.endsWith('/openai') ? path : `${path}/openai`;
  if (version !== undefined) url.searchParams.set('api-version', version);
  return url;
}

// Always answered: no page of another site comes by them, and health checks do.
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** What must never be seen outside the process. */
export const secretsOf = ({ upstream }: Config) => (upstream.kind === 'sandbox' ? [] : [upstream.credential.apiKey]);

function assemble(values: Settings, kind: string): Config {
  return {
    host: values.HOST,
    port: values.PORT,
    allowedHosts: [...new Set([...LOOPBACK_NAMES, values.HOST, ...(values.ALLOWED_HOSTS ?? [])])],
    upstream: upstreamOf(values, kind),
    upstreamTimeoutMs: values.UPSTREAM_TIMEOUT_MS,
    upstreamConnections: values.UPSTREAM_CONNECTIONS,
    cache: {
      activeMs: values.CACHE_ACTIVE_MS,
      settledMs: values.CACHE_SETTLED_MS,
      maxBytes: values.CACHE_MAX_MB * 1024 * 1024,
    },
    logLevel: values.LOG_LEVEL,
  };
}

function upstreamOf(values: Settings, kind: string): UpstreamConfig {
  const { AZURE_OPENAI_ENDPOINT: endpoint, OPENAI_API_VERSION: version } = values;
  if (kind === 'azure' && endpoint) {
    const credential = { apiKey: values.AZURE_OPENAI_API_KEY ?? '' };
    return { kind: 'azure', baseUrl: azureBaseUrl(endpoint, version), credential };
  }
  if (kind === 'sandbox') {
    return { kind, port: values.SANDBOX_PORT, speed: values.SANDBOX_SPEED, seed: values.SANDBOX_SEED };
  }
  const credential = {
    apiKey: values.OPENAI_API_KEY ?? '',
    organizationId: values.OPENAI_ORG_ID,
    projectId: values.OPENAI_PROJECT_ID,
  };
  return { kind: 'openai', baseUrl: values.OPENAI_BASE_URL, credential };
}
