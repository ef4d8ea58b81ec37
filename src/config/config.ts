import { z } from 'zod';
import type { MutationConfig } from '../commands/mutation-policy.ts';
import { type ProxySettings, secretsOfProxy } from '../network/proxy.ts';
import type { PriceList } from '../request/price-list.ts';
import type { Auth } from '../server/auth/authenticate.ts';
import type { Limits } from '../server/limits/query-limits.ts';
import type { HttpConfig, ShutdownConfig, SubscriptionConfig } from '../server/server.ts';
import { type ExportHeaders, secretsOfHeaders } from '../telemetry/export-headers.ts';
import type { MetricsExport } from '../telemetry/metrics/metrics.ts';
import type { TracesExport } from '../telemetry/traces/traces.ts';
import type { Credential } from '../upstream/credentials/credential.ts';
import type { HyperparameterPlacement } from '../upstream/requests/hyperparameter-placement.ts';
import { type FleetConfig, secretsOfFleet } from './fleet.ts';
import type { SandboxConfig } from './sandbox.ts';
import {
  contentOf,
  fileSettingOf,
  readSecretFiles,
  type SecretFile,
  type SecretFileProblem,
  type SecretName,
} from './secret-files.ts';
import { groups, renamedSettings, secretTypes, settings } from './settings.ts';
import { quoteValue } from './types/setting-types.ts';
import { type Environment, upstreamKindOf } from './upstream-kind.ts';

/** Thrown by `readConfig` for an invalid environment. Each problem is one sentence that begins with the variable's name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export type UpstreamConfig =
  | ({ readonly kind: 'sandbox' } & SandboxConfig)
  | { readonly kind: 'openai' | 'azure'; readonly baseUrl: URL; readonly credential: Credential };

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** Address ranges of the proxies whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
  readonly auth: Auth;
  readonly http: HttpConfig;
  readonly upstream: UpstreamConfig;
  /** The proxies of outgoing calls. */
  readonly proxies: ProxySettings;
  /** Name of the setting that holds the key of the upstream. */
  readonly keySetting: string;
  /** Where the upstream looks for the hyperparameters of a new job; undefined: by its base URL. */
  readonly hyperparameters: HyperparameterPlacement | undefined;
  /** Signing secret of OpenAI webhooks; undefined when none are expected. */
  readonly webhookSecret: string | undefined;
  /** The files that secrets were read from. */
  readonly secretFiles: readonly SecretFile[];
  readonly upstreamCalls: {
    /** Maximum time of a call and its retries. */
    readonly timeoutMs: number;
    /** Maximum sockets per upstream key. */
    readonly connections: number;
    readonly retries: number;
    /** Maximum calls per second over all keys. */
    readonly maxRps: number;
  };
  readonly cache: { readonly activeMs: number; readonly settledMs: number; readonly maxBytes: number };
  readonly pollIntervalMs: number;
  readonly mutations: MutationConfig;
  /** The file of audit records; undefined: they are in the log. */
  readonly auditFile: string | undefined;
  /** Prices of training, for estimates. */
  readonly priceList: PriceList;
  readonly limits: Limits;
  readonly subscriptions: SubscriptionConfig;
  readonly shutdown: ShutdownConfig;
  /** Undefined for a gateway of one process. */
  readonly fleet: FleetConfig | undefined;
  readonly monitoring: {
    /** Undefined when there is no listener for metrics. */
    readonly port: number | undefined;
    readonly host: string;
    /** The headers of the requests to the collector. */
    readonly headers: ExportHeaders;
  } & MetricsExport &
    TracesExport;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

/** A message with this beginning describes the valid values. */
const EXPECTED = 'expected ';

const configSchema = z.object({ ...groups, kind: z.string() }).transform(assemble);

/** Reads the configuration, or throws a ConfigError with all problems. An empty variable counts as unset. */
export function readConfig(environment: Environment): Config {
  const variables = readVariables(environment);
  const { files, problems } = readSecretFiles(variables);
  const values = { ...variables, ...Object.fromEntries(files.map(({ name, text }) => [name, text])) };
  const kind = upstreamKindOf(variables);
  const context = { upstreamKind: kind, isProduction: variables['NODE_ENV'] === 'production' };
  const inputs = Object.keys(groups).map((group) => [group, { ...values, ...context }]);
  const { data, error } = configSchema.safeParse({ ...Object.fromEntries(inputs), kind });
  const issues = (error?.issues ?? []).map(({ path, message }) => ({ name: String(path[1]), message }));
  const all = [
    ...problems.map((problem) => fileProblemOf(problem, variables)),
    ...sentencesOf(issues, problems, variables),
  ];
  if (data && all.length === 0) return { ...data, ...keySettingOf(data, files), secretFiles: files };
  throw new ConfigError([...new Set(all)]);
}

/** The setting that holds the key, as messages name it. */
function keySettingOf({ keySetting }: Config, files: readonly SecretFile[]): Pick<Config, 'keySetting'> {
  return { keySetting: files.find(({ name }) => name === keySetting)?.setting ?? keySetting };
}

/** Returns what is wrong with the text of a secret, as a sentence about its file that never has the text; null if nothing is. */
export function secretProblem(name: SecretName, text: string): string | null {
  const [issue] = secretTypes.get(name)?.safeParse(text).error?.issues ?? [];
  const message = issue?.message ?? settings.get(name)?.fileProblem?.(text) ?? null;
  return message === null ? null : contentProblem(name, message);
}

/** A problem of a secret as one of the file that contains it. */
function contentProblem(name: string, message: string): string {
  return message.startsWith(EXPECTED)
    ? `expected the path of a file with ${contentOf(name, message.slice(EXPECTED.length))}`
    : `the file ${message}`;
}

/** All secrets of a configuration, for redaction. */
export function secretsOf({ upstream, webhookSecret, monitoring, proxies, fleet }: Config): readonly string[] {
  const ofUpstream =
    upstream.kind === 'sandbox'
      ? [upstream.webhookSecret, upstream.adminKey]
      : [upstream.credential.apiKey, upstream.credential.adminKey];
  const ofProxies = [proxies.http, proxies.https].flatMap((proxy) => (proxy === null ? [] : secretsOfProxy(proxy)));
  const secrets = [
    webhookSecret,
    ...ofUpstream,
    ...secretsOfHeaders(monitoring.headers),
    ...ofProxies,
    ...secretsOfFleet(fleet),
  ];
  // A webhook secret is as secret without its prefix.
  return secrets.flatMap((secret) => (secret === undefined ? [] : [secret.replace(/^whsec_/, '')]));
}

/** The variables that have a value, under the current names of settings. */
function readVariables(environment: Environment): Environment {
  const variables = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  for (const [oldName, name] of renamedSettings) variables[name] ??= variables[oldName];
  return variables;
}

interface Problem {
  /** The setting. */
  readonly name: string;
  readonly message: string;
}

/** One sentence for each problem. A secret whose file cannot be read has no further problem. */
function sentencesOf(
  issues: readonly Problem[],
  unread: readonly SecretFileProblem[],
  variables: Environment,
): string[] {
  const unreadNames = new Set(unread.map(({ name }) => name));
  return issues.flatMap(({ name, message }) => {
    if (unreadNames.has(name)) return [];
    const isInFile = secretTypes.has(name) && variables[fileSettingOf(name)] !== undefined;
    return isInFile
      ? fileProblemOf({ name, message: contentProblem(name, message) }, variables)
      : problemOf({ name, message }, variables);
  });
}

const fileProblemOf = ({ name, message }: SecretFileProblem, variables: Environment) =>
  problemOf({ name: fileSettingOf(name), message }, variables);

/** One sentence about a problem: `PORT: "web" is not a whole number from 0 to 65535, such as 4000.` */
function problemOf({ name, message }: Problem, variables: Environment): string {
  if (!message.startsWith(EXPECTED)) return `${name}: ${message}`;
  const expected = message.slice(EXPECTED.length);
  const setting = settings.get(name);
  const value = setting?.isSecret ? 'the value' : quoteValue(variables[name] ?? '');
  const example = setting?.example ?? (setting?.hasDefaultValue ? setting.default : undefined);
  const hasExample = expected.includes('such as') || expected.split(/[ ,]+/).includes(example ?? '');
  return `${name}: ${value} is not ${expected}${hasExample || example === undefined ? '' : `, such as ${example}`}.`;
}

type Parts = { [Group in keyof typeof groups]: z.output<(typeof groups)[Group]> } & { kind: string };

function assemble(parts: Parts): Config {
  const { listening, authentication, upstream, mutations, caching, limits, graphql, connections, operation } = parts;
  const { corsOrigins, ...addresses } = listening;
  const { isAllowed = parts.kind === 'sandbox', maxPerDay, maxUploadBytes, auditFile } = mutations;
  return {
    ...addresses,
    auth: authentication,
    ...parts.fleet,
    http: { corsOrigins, maxUploadBytes, ...graphql, ...connections.http },
    upstream: upstreamOf(parts),
    ...parts.network,
    keySetting: parts.kind === 'azure' ? 'AZURE_OPENAI_API_KEY' : 'OPENAI_API_KEY',
    hyperparameters: upstream.hyperparameters,
    webhookSecret: upstream.webhookSecret,
    secretFiles: [],
    upstreamCalls: upstream.calls,
    ...caching,
    mutations: { isAllowed, maxPerDay },
    auditFile,
    ...parts.prices,
    limits,
    subscriptions: connections.subscriptions,
    ...operation,
  };
}

function upstreamOf({ kind, upstream, azure, sandbox }: Parts): UpstreamConfig {
  if (kind === 'sandbox') return { kind, ...sandbox };
  return kind === 'azure' && azure ? { kind, ...azure } : { kind: 'openai', ...upstream.openai };
}
