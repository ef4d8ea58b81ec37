import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { createSandbox, type Sandbox } from './sandbox/sandbox.ts';
import { generateSecret } from './sandbox/webhooks/webhook.ts';
import type { Logger } from './telemetry/logger.ts';
import type { Credential, KeyHeader } from './upstream/credentials/credential.ts';
import type { RequestRules } from './upstream/requests/validation.ts';

/** Whom the gateway asks. */
export interface UpstreamTarget {
  readonly name: string;
  readonly limits: RequestRules;
  readonly baseUrl: URL;
  readonly keyHeader: KeyHeader;
  readonly credential: Credential;
  readonly exampleJobId: string;
  readonly exampleFileId: string;
  /** What webhooks to this gateway are signed with; undefined when none are expected. */
  readonly webhookSecret: string | undefined;
  /** Has them sent to this URL of the gateway, unless the configuration names another. A real upstream is told elsewhere. */
  readonly sendWebhooks?: (url: URL) => void;
}

/** Finds out whom to ask, and opens the sandbox if that is whom. */
export async function openTarget(
  { upstream: config, auth, webhookSecret }: Config,
  log: Logger,
  clock: Clock,
  opened: AsyncDisposableStack,
): Promise<UpstreamTarget> {
  if (config.kind !== 'sandbox') {
    const { hostname } = config.baseUrl;
    const name = hostname === 'api.openai.com' ? 'OpenAI' : hostname;
    const keyHeader = config.kind === 'azure' ? 'api-key' : 'authorization';
    const limits = /(^|\.)api\.openai\.com$/.test(hostname) ? 'openai' : 'unknown';
    return { ...config, name, limits, keyHeader, ...PLACEHOLDER_IDS, webhookSecret };
  }
  const apiKey = crypto.randomUUID();
  const sandbox = await createSandbox({
    ...config,
    clock,
    // Whoever chose a port wants to call it too, and whoever passes keys on has some: with any key.
    ...(config.port === 0 && auth.kind !== 'passthrough' && { apiKey }),
    onError: (err) => log.error({ err }, 'sandbox error'),
  });
  opened.defer(() => sandbox.dispose());
  const { baseUrl, exampleJobId, exampleFileId } = sandbox;
  const asked = {
    name: 'sandbox',
    limits: 'openai' as const,
    baseUrl,
    credential: { apiKey, adminKey: sandbox.adminKey },
    exampleJobId,
    exampleFileId,
    ...webhooksOf(sandbox, config, webhookSecret),
  };
  if (config.dialect === 'openai') return { ...asked, keyHeader: 'authorization' };
  baseUrl.searchParams.set('api-version', AZURE_API_VERSION);
  return { ...asked, keyHeader: 'api-key' };
}

/** Whom the sandbox tells that a job has ended: this gateway, unless another receiver is named. Azure tells nobody. */
function webhooksOf(
  sandbox: Sandbox,
  { dialect, webhookUrl: url, webhookSecret }: Extract<Config['upstream'], { kind: 'sandbox' }>,
  ownSecret: string | undefined,
): Pick<UpstreamTarget, 'webhookSecret' | 'sendWebhooks'> {
  if (url && webhookSecret !== undefined) {
    return { webhookSecret: ownSecret, sendWebhooks: () => sandbox.sendWebhooks({ url, secret: webhookSecret }) };
  }
  if (dialect === 'azure') return { webhookSecret: ownSecret };
  const secret = ownSecret ?? webhookSecret ?? generateSecret();
  return { webhookSecret: secret, sendWebhooks: (ownUrl) => sandbox.sendWebhooks({ url: ownUrl, secret }) };
}

/** Replaced by the user: the gateway does not know any ids of a real upstream. */
const PLACEHOLDER_IDS = { exampleJobId: 'ftjob-…', exampleFileId: 'file-…' };

const AZURE_API_VERSION = '2024-10-21';
