import type { Clock } from './clock.ts';
import { type Config, secretProblem, type UpstreamConfig } from './config/config.ts';
import { secretsOfRedis } from './config/fleet.ts';
import { readSecretText, type SecretFile, type SecretName } from './config/secret-files.ts';
import type { Network } from './network/network.ts';
import { type ProxyServer, parseProxy, secretsOfProxy } from './network/proxy.ts';
import { type SecretReading, type SecretWatch, watchSecrets } from './secret-watch.ts';
import type { SharedState } from './state/shared-state.ts';
import { type ExportHeaders, parseExportHeaders, secretsOfHeaders } from './telemetry/export-headers.ts';
import type { GatewayLog } from './telemetry/logger.ts';
import { type CredentialSource, createCredentialSource } from './upstream/credentials/credential-source.ts';
import type { UpstreamTarget } from './upstream-target.ts';

/** The secrets that the gateway uses now. Those of files change with their files. */
export interface LiveSecrets {
  readonly credentials: CredentialSource;
  /** Returns the signing secret of webhooks; undefined when none are expected. */
  readonly webhookSecret: (() => string) | undefined;
  /** Returns the headers of the requests to the collector. */
  readonly exportHeaders: () => ExportHeaders;
  /** Uses the secrets of changed files from now on. `onNewKey` is called when the API key has been replaced. */
  watch(onNewKey: () => void): SecretWatch;
}

export function createLiveSecrets(
  { secretFiles, upstream, monitoring }: Config,
  target: Pick<UpstreamTarget, 'credential' | 'webhookSecret'>,
  network: Network,
  state: Pick<SharedState, 'replaceUrl'>,
  log: GatewayLog,
  clock: Clock,
): LiveSecrets {
  const { webhookSecret = '' } = target;
  const current = {
    credentials: createCredentialSource(target.credential),
    webhookSecret,
    exportHeaders: monitoring.headers,
    network,
    state,
    redact: (secrets: readonly string[]) => secrets.forEach(log.addSecret),
  };
  return {
    credentials: current.credentials,
    webhookSecret: target.webhookSecret === undefined ? undefined : () => current.webhookSecret,
    exportHeaders: () => current.exportHeaders,
    watch(onNewKey) {
      const uses = usesOf(upstream.kind, current, onNewKey);
      const watched = secretFiles.flatMap((file) => {
        const { setting, text } = file;
        const apply = uses[file.name];
        return apply === null ? [] : [{ setting, text, read: () => readSecret(file), apply }];
      });
      return watchSecrets(watched, clock, log);
    },
  };
}

/** The secrets in use. */
interface CurrentSecrets {
  readonly credentials: CredentialSource;
  webhookSecret: string;
  exportHeaders: ExportHeaders;
  /** Has the proxies. */
  readonly network: Network;
  readonly state: Pick<SharedState, 'replaceUrl'>;
  readonly redact: (secrets: readonly string[]) => void;
}

/** Puts a new secret into use. Null for one that this upstream does not use, or only when it starts. */
type UseSecret = ((text: string) => void) | null;

/** Returns the use of each secret. The texts are valid. */
function usesOf(
  kind: UpstreamConfig['kind'],
  current: CurrentSecrets,
  onNewKey: () => void,
): Readonly<Record<SecretName, UseSecret>> {
  const useApiKey = (apiKey: string) => {
    current.redact([apiKey]);
    current.credentials.replace({ apiKey });
    onNewKey();
  };
  const useAdminKey = (adminKey: string) => {
    current.redact([adminKey]);
    current.credentials.replace({ adminKey });
  };
  const useWebhookSecret = (secret: string) => {
    current.redact([secret.replace(WEBHOOK_PREFIX, '')]);
    current.webhookSecret = secret;
  };
  return {
    OPENAI_API_KEY: kind === 'openai' ? useApiKey : null,
    AZURE_OPENAI_API_KEY: kind === 'azure' ? useApiKey : null,
    OPENAI_ADMIN_KEY: kind === 'openai' ? useAdminKey : null,
    OPENAI_WEBHOOK_SECRET: kind === 'sandbox' ? null : useWebhookSecret,
    HTTPS_PROXY: (text) => useProxy(parseProxy(text, 'HTTPS_PROXY'), current),
    HTTP_PROXY: (text) => useProxy(parseProxy(text, 'HTTP_PROXY'), current),
    REDIS_URL: (text) => useRedisUrl(text, current),
    FLEET_SECRET: null,
    OTEL_EXPORTER_OTLP_HEADERS: (text) => useExportHeaders(text, current),
    SANDBOX_ADMIN_KEY: null,
    SANDBOX_WEBHOOK_SECRET: null,
  };
}

function useProxy(proxy: ProxyServer | null, { network, redact }: CurrentSecrets): void {
  if (proxy === null) return; // `readSecret` has refused it.
  redact(secretsOfProxy(proxy));
  network.useProxy(proxy);
}

/** The user and password are used by the next connection. */
function useRedisUrl(url: string, { state, redact }: CurrentSecrets): void {
  redact(secretsOfRedis(url));
  state.replaceUrl(url);
}

function useExportHeaders(text: string, current: CurrentSecrets): void {
  const parsed = parseExportHeaders(text);
  if ('problem' in parsed) return; // The same.
  current.redact(secretsOfHeaders(parsed.headers));
  current.exportHeaders = parsed.headers;
}

function readSecret({ name, path }: SecretFile): SecretReading {
  const reading = readSecretText(name, path);
  const problem = 'problem' in reading ? reading.problem : secretProblem(name, reading.text);
  return problem === null ? reading : { problem };
}

/** A webhook secret is as secret without its prefix. */
const WEBHOOK_PREFIX = /^whsec_/;
