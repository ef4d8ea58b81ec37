import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { Logger } from './telemetry/logger.ts';
import type { Credential, KeyHeader } from './upstream/credentials/credential.ts';
import { type HyperparameterPlacement, placementOf } from './upstream/requests/hyperparameter-placement.ts';
import type { RequestRules } from './upstream/requests/validation.ts';

/** The upstream that the gateway calls. */
export interface UpstreamTarget {
  /** `OpenAI`, a host name or `sandbox`. */
  readonly name: string;
  readonly limits: RequestRules;
  /** Where the upstream looks for the hyperparameters of a new job. */
  readonly hyperparameters: HyperparameterPlacement;
  readonly baseUrl: URL;
  readonly keyHeader: KeyHeader;
  readonly credential: Credential;
  readonly exampleJobId: string;
  readonly exampleFileId: string;
  /** One line about a problem that does not prevent the start; undefined without one. */
  readonly warning?: string;
  /** Signing secret of the webhooks to this gateway; undefined when none are expected. */
  readonly webhookSecret: string | undefined;
  /** Makes the sandbox send webhooks to this URL of the gateway, unless the settings name another receiver. */
  readonly sendWebhooks?: (url: URL) => void;
}

/**
 * Returns the configured upstream. Starts the sandbox if that is configured, and adds its disposal to `opened`. Rejects with
 * Node's error when the sandbox cannot listen on its address.
 */
export async function openTarget(
  { upstream: config, hyperparameters: configured, auth, webhookSecret }: Config,
  log: Logger,
  clock: Clock,
  opened: AsyncDisposableStack,
): Promise<UpstreamTarget> {
  if (config.kind !== 'sandbox') {
    const { hostname } = config.baseUrl;
    const name = hostname === 'api.openai.com' ? 'OpenAI' : hostname;
    const keyHeader = config.kind === 'azure' ? 'api-key' : 'authorization';
    const limits = /(^|\.)api\.openai\.com$/.test(hostname) ? 'openai' : 'unknown';
    const hyperparameters = configured ?? placementOf(config.baseUrl, config.kind === 'azure');
    return { ...config, name, limits, hyperparameters, keyHeader, ...PLACEHOLDER_IDS, webhookSecret };
  }
  const { createSandbox } = await import('./sandbox/sandbox.ts');
  const apiKey = crypto.randomUUID();
  const sandbox = await createSandbox({
    ...config,
    clock,
    // Without `apiKey` the sandbox accepts any key: users call a chosen port directly, and passthrough callers bring keys.
    ...(config.port === 0 && auth.kind !== 'passthrough' && { apiKey }),
    onError: (err) => log.error({ err }, 'sandbox error'),
  });
  opened.defer(() => sandbox.dispose());
  const { baseUrl, exampleJobId, exampleFileId, storageProblem } = sandbox;
  const target = {
    name: 'sandbox',
    limits: 'openai' as const,
    baseUrl,
    credential: { apiKey, adminKey: sandbox.adminKey },
    exampleJobId,
    exampleFileId,
    ...(storageProblem !== null && { warning: storageProblem }),
    ...(await configureWebhooks(sandbox, config, webhookSecret)),
  };
  if (config.dialect === 'openai')
    return { ...target, keyHeader: 'authorization', hyperparameters: configured ?? 'method' };
  baseUrl.searchParams.set('api-version', AZURE_API_VERSION);
  return { ...target, keyHeader: 'api-key', hyperparameters: configured ?? placementOf(baseUrl, true) };
}

/** By default the sandbox sends its webhooks to this gateway. The settings can name another receiver. Azure has no webhooks. */
async function configureWebhooks(
  sandbox: Sandbox,
  { dialect, webhookUrl: url, webhookSecret }: Extract<Config['upstream'], { kind: 'sandbox' }>,
  ownSecret: string | undefined,
): Promise<Pick<UpstreamTarget, 'webhookSecret' | 'sendWebhooks'>> {
  if (url && webhookSecret !== undefined) {
    return { webhookSecret: ownSecret, sendWebhooks: () => sandbox.sendWebhooks({ url, secret: webhookSecret }) };
  }
  if (dialect === 'azure') return { webhookSecret: ownSecret };
  const { generateSecret } = await import('./sandbox/webhooks/webhook.ts');
  const secret = ownSecret ?? webhookSecret ?? generateSecret();
  return { webhookSecret: secret, sendWebhooks: (ownUrl) => sandbox.sendWebhooks({ url: ownUrl, secret }) };
}

/** Placeholders in GraphiQL's example tabs. With a real upstream, the user replaces them by ids of the account. */
const PLACEHOLDER_IDS = { exampleJobId: 'ftjob-…', exampleFileId: 'file-…' };

const AZURE_API_VERSION = '2024-10-21';
