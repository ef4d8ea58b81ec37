import { z } from 'zod';
import { type DialectName, sandboxSettings } from '../sandbox/settings.ts';
import { ALWAYS, groupDocs, type SettingDocs, settingDocs } from './types/setting-docs.ts';

export interface SandboxConfig {
  readonly port: number;
  readonly speed: number;
  readonly seed: number;
  readonly dialect: DialectName;
  /** The key that checkpoint permissions require; by default the sandbox generates one. */
  readonly adminKey: string | undefined;
  readonly quota: { readonly concurrent?: number | undefined; readonly perDay?: number | undefined } | undefined;
  /** Receiver of the webhooks; by default this gateway. */
  readonly webhookUrl: URL | undefined;
  readonly webhookSecret: string | undefined;
}

/** Documentation that the sandbox does not need itself. */
const docs: Readonly<Record<keyof typeof sandboxSettings, Omit<SettingDocs, 'description'>>> = {
  SANDBOX_PORT: { example: '4100' },
  SANDBOX_SPEED: {},
  SANDBOX_SEED: {},
  SANDBOX_DIALECT: { oldNames: ['SANDBOX_FLAVOUR'] },
  SANDBOX_ADMIN_KEY: { example: 'admin-abc123', isSecret: true, whenUnset: 'a random key' },
  SANDBOX_CONCURRENT_JOBS: { example: '3', unit: 'jobs', whenUnset: 'no limit' },
  SANDBOX_JOBS_PER_DAY: { example: '10', unit: 'jobs', whenUnset: 'no limit' },
  SANDBOX_WEBHOOK_URL: { example: 'https://receiver.example/webhooks', whenUnset: 'this gateway' },
  SANDBOX_WEBHOOK_SECRET: { example: 'whsec_YWJjMTIzYWJjMTIz', isSecret: true, whenUnset: 'a random secret' },
};

for (const [name, schema] of Object.entries(sandboxSettings)) {
  const description = sentence(schema.description ?? '');
  settingDocs.add(schema, { description, ...docs[name as keyof typeof docs] }); // One of its own keys.
}

export const sandbox = z
  .object({ ...sandboxSettings, upstreamKind: z.string() })
  .register(groupDocs, {
    title: 'Sandbox',
    intro: 'The built-in REST API with generated jobs, for `UPSTREAM=sandbox`, and for `npm run sandbox`.',
  })
  .superRefine(({ upstreamKind, SANDBOX_WEBHOOK_URL: url, SANDBOX_WEBHOOK_SECRET: secret }, context) => {
    if (upstreamKind !== 'sandbox' || url === undefined || secret !== undefined) return;
    const message =
      'is not set, but SANDBOX_WEBHOOK_URL is; expected the secret that the receiver knows, such as whsec_YWJjMTIzYWJjMTIz.';
    context.addIssue({ code: 'custom', path: ['SANDBOX_WEBHOOK_SECRET'], message });
  }, ALWAYS)
  .transform((values): SandboxConfig => {
    const { SANDBOX_CONCURRENT_JOBS: concurrent, SANDBOX_JOBS_PER_DAY: perDay } = values;
    return {
      port: values.SANDBOX_PORT,
      speed: values.SANDBOX_SPEED,
      seed: values.SANDBOX_SEED,
      dialect: values.SANDBOX_DIALECT,
      adminKey: values.SANDBOX_ADMIN_KEY,
      quota: concurrent === undefined && perDay === undefined ? undefined : { concurrent, perDay },
      webhookUrl: values.SANDBOX_WEBHOOK_URL,
      webhookSecret: values.SANDBOX_WEBHOOK_SECRET,
    };
  });

/** The text with a capital letter and a full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
