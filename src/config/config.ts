import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { MutationConfig } from '../commands/mutation-policy.ts';
import type { Auth } from '../server/auth/authenticate.ts';
import type { Limits } from '../server/limits/query-limits.ts';
import type { HttpConfig, SubscriptionConfig } from '../server/server.ts';
import { authFaults, authOf, authSettings } from './auth.ts';
import { int, list } from './env.ts';
import { httpFaults, httpOf, httpSettings } from './http.ts';
import { limitSettings, limitsOf } from './limits.ts';
import { mutationSettings, mutationsOf } from './mutations.ts';
import { subscriptionSettings, subscriptionsOf } from './subscriptions.ts';
import {
  type Environment,
  type UpstreamConfig,
  upstreamFaults,
  upstreamKind,
  upstreamOf,
  upstreamSettings,
} from './upstream.ts';

/** The environment is not fit to start with. Thrown by `readConfig`; `faults` has one sentence for each variable at fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Every variable that is read: how, and what it means. `--help` and the README show this. */
export const settings = {
  HOST: z.string().default('127.0.0.1').describe('the address it listens on'),
  PORT: int(0, 65535).default(4000).describe('the port it listens on; 0 takes any free one'),
  ALLOWED_HOSTS: list('expected host names without ports, separated by commas', /^[\w.-]+$|^\[[\da-f:.]+\]$/)
    .optional()
    .describe('Host and Origin names that are answered, beside the loopback names'),
  ...authSettings,
  ...httpSettings,
  ...upstreamSettings,
  ...limitSettings,
  ...mutationSettings,
  ...subscriptionSettings,
  UPSTREAM_TIMEOUT_MS: int(1, 600_000).default(30_000).describe('longest wait for the whole of an upstream answer'),
  UPSTREAM_CONNECTIONS: int(1, 1024).default(64).describe('most sockets to the upstream, for each key'),
  UPSTREAM_RETRIES: int(0, 10)
    .default(2)
    .describe('most tries again of a call that fails in a way that may pass; they end with the wait'),
  UPSTREAM_MAX_RPS: int(1, 100_000).default(50).describe('most upstream calls a second, whoever asks'),
  CACHE_ACTIVE_MS: int(0, 3_600_000)
    .default(1000)
    .describe('oldest answer about what still moves; 0 shares only reads under way'),
  CACHE_SETTLED_MS: int(0, 86_400_000).default(300_000).describe('oldest answer about what no longer changes'),
  CACHE_MAX_MB: int(1, 65_536).default(128).describe('most memory for kept answers'),
  POLL_INTERVAL_MS: int(100, 3_600_000)
    .default(2000)
    .describe('shortest time between two looks at a job that somebody watches'),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'expected trace, debug, info, warn, error, fatal or silent',
    )
    .default('info')
    .describe('the least that is logged: trace, debug, info, warn, error, fatal or silent'),
};

type Settings = z.output<z.ZodObject<typeof settings>>;

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly auth: Auth;
  readonly http: HttpConfig;
  readonly upstream: UpstreamConfig;
  /** What OpenAI signs its webhooks with. */
  readonly webhookSecret: string | undefined;
  readonly upstreamTimeoutMs: number;
  readonly upstreamConnections: number;
  readonly upstreamRetries: number;
  readonly upstreamMaxRps: number;
  readonly cache: { readonly activeMs: number; readonly settledMs: number; readonly maxBytes: number };
  readonly pollIntervalMs: number;
  readonly mutations: MutationConfig;
  readonly limits: Limits;
  readonly subscriptions: SubscriptionConfig;
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
    ...authFaults(given),
    ...httpFaults(given),
    ...upstreamFaults(given),
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

// Always answered: no page of another site comes by them, and health checks do.
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** What must never be seen outside the process. */
export function secretsOf({ upstream, webhookSecret }: Config): readonly string[] {
  const ofTarget =
    upstream.kind === 'sandbox'
      ? [upstream.webhookSecret, upstream.adminKey]
      : [upstream.credential.apiKey, upstream.credential.adminKey];
  const secrets = [webhookSecret, ...ofTarget];
  // Without the prefix a webhook's secret is as good as with it.
  return secrets.flatMap((secret) => (secret === undefined ? [] : [secret.replace(/^whsec_/, '')]));
}

function assemble(values: Settings, kind: string): Config {
  return {
    host: values.HOST,
    port: values.PORT,
    allowedHosts: [...new Set([...LOOPBACK_NAMES, values.HOST, ...(values.ALLOWED_HOSTS ?? [])])],
    auth: authOf(values),
    http: httpOf(values),
    upstream: upstreamOf(values, kind),
    webhookSecret: values.OPENAI_WEBHOOK_SECRET,
    upstreamTimeoutMs: values.UPSTREAM_TIMEOUT_MS,
    upstreamConnections: values.UPSTREAM_CONNECTIONS,
    upstreamRetries: values.UPSTREAM_RETRIES,
    upstreamMaxRps: values.UPSTREAM_MAX_RPS,
    cache: {
      activeMs: values.CACHE_ACTIVE_MS,
      settledMs: values.CACHE_SETTLED_MS,
      maxBytes: values.CACHE_MAX_MB * 1024 * 1024,
    },
    pollIntervalMs: values.POLL_INTERVAL_MS,
    mutations: mutationsOf(values, kind === 'sandbox'),
    limits: limitsOf(values),
    subscriptions: subscriptionsOf(values),
    logLevel: values.LOG_LEVEL,
  };
}
