import type { Clock } from './clock.ts';
import { type Config, secretProblem } from './config/config.ts';
import { readSecretText, type SecretFile } from './config/secret-files.ts';
import { type SecretReading, type SecretWatch, watchSecrets } from './secret-watch.ts';
import type { GatewayLog } from './telemetry/logger.ts';
import { type CredentialSource, createCredentialSource } from './upstream/credentials/credential-source.ts';
import type { UpstreamTarget } from './upstream-target.ts';

/** The secrets that the gateway uses now. Those of files change with their files. */
export interface LiveSecrets {
  readonly credentials: CredentialSource;
  /** Returns the signing secret of webhooks; undefined when none are expected. */
  readonly webhookSecret: (() => string) | undefined;
  /** Uses the secrets of changed files from now on. `onNewKey` is called when the API key has been replaced. */
  watch(onNewKey: () => void): SecretWatch;
}

export function createLiveSecrets(
  { secretFiles, upstream }: Config,
  target: Pick<UpstreamTarget, 'credential' | 'webhookSecret'>,
  log: GatewayLog,
  clock: Clock,
): LiveSecrets {
  const credentials = createCredentialSource(target.credential);
  let { webhookSecret = '' } = target;

  function apply({ name }: SecretFile, text: string, onNewKey: () => void) {
    log.addSecret(text.replace(WEBHOOK_PREFIX, ''));
    if (name === 'OPENAI_WEBHOOK_SECRET') {
      webhookSecret = text;
    } else if (name === 'OPENAI_ADMIN_KEY') {
      credentials.replace({ adminKey: text });
    } else {
      credentials.replace({ apiKey: text });
      onNewKey();
    }
  }

  return {
    credentials,
    webhookSecret: target.webhookSecret === undefined ? undefined : () => webhookSecret,
    watch(onNewKey) {
      const files = upstream.kind === 'sandbox' ? [] : secretFiles; // The sandbox gets its secrets when it starts.
      const watched = files.map((file) => ({
        setting: file.setting,
        text: file.text,
        read: () => readSecret(file),
        apply: (text: string) => apply(file, text, onNewKey),
      }));
      return watchSecrets(watched, clock, log);
    },
  };
}

function readSecret({ name, path }: SecretFile): SecretReading {
  const reading = readSecretText(name, path);
  const problem = 'problem' in reading ? reading.problem : secretProblem(name, reading.text);
  return problem === null ? reading : { problem };
}

/** A webhook secret is as secret without its prefix. */
const WEBHOOK_PREFIX = /^whsec_/;
