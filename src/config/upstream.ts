import { z } from 'zod';
import { webhookSecretProblem } from '../upstream/resources/webhook.ts';
import { ALWAYS, groupDocs, settingDocs } from './types/setting-docs.ts';
import { apiKeyText, baseUrl, headerText, integer, keyText, oneOf } from './types/setting-types.ts';
import { hasAzure, hasOpenaiKey } from './upstream-kind.ts';

const openai = {
  UPSTREAM: oneOf('openai', 'azure', 'sandbox').optional().register(settingDocs, {
    description:
      'Which upstream the gateway calls. If unset: `azure` or `openai`, whichever has settings; without any, `sandbox`. With `NODE_ENV=production` the sandbox has to be chosen.',
    whenUnset: 'by the other settings',
  }),
  OPENAI_API_KEY: apiKeyText().optional().register(settingDocs, {
    description: 'API key of the upstream. For a server that needs none, any text.',
    example: 'sk-abc123',
    isSecret: true,
  }),
  OPENAI_BASE_URL: baseUrl().default(new URL('https://api.openai.com/v1')).register(settingDocs, {
    description: "Base URL of the upstream: OpenAI, or any server that speaks OpenAI's dialect.",
  }),
  OPENAI_ORG_ID: headerText().optional().register(settingDocs, {
    description: 'Sent upstream in the header OpenAI-Organization.',
    example: 'org-abc123',
  }),
  OPENAI_PROJECT_ID: headerText().optional().register(settingDocs, {
    description: 'Sent upstream in the header OpenAI-Project.',
    example: 'proj_abc123',
  }),
  OPENAI_ADMIN_KEY: apiKeyText().optional().register(settingDocs, {
    description: 'Admin API key. Used only for checkpoint permissions, which require one.',
    example: 'sk-admin-abc123',
    isSecret: true,
  }),
  OPENAI_WEBHOOK_SECRET: keyText()
    .superRefine((secret, context) => {
      const message = webhookSecretProblem(secret);
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .optional()
    .register(settingDocs, {
      description:
        'Signing secret of OpenAI webhooks. It turns on `POST /webhooks/openai`, so that the end of a job is known at once. Register `https://HOST/webhooks/openai` at OpenAI for fine_tuning.job.succeeded, fine_tuning.job.failed and fine_tuning.job.cancelled.',
      example: 'whsec_YWJjMTIzYWJjMTIz',
      isSecret: true,
    }),
};

const NO_KEY =
  'is not set; expected the API key of the upstream, such as sk-abc123 (any text for a server that needs none), or UPSTREAM=sandbox.';
const NO_SANDBOX = 'NODE_ENV=production does not start the sandbox by itself.';

const calls = {
  UPSTREAM_HYPERPARAMETERS: oneOf('method', 'top', 'both').optional().register(settingDocs, {
    description:
      'Where the upstream looks for the hyperparameters of a new job. `method`: in `method`, as OpenAI. `top`: in `hyperparameters` of the request; such a server knows no `method`, and only supervised jobs are created. `both`: supervised hyperparameters are sent in both places.',
    whenUnset: 'by the base URL and the api-version; both for unknown servers',
  }),
  UPSTREAM_TIMEOUT_MS: integer(1, 600_000).default(30_000).register(settingDocs, {
    description: 'Maximum time for one upstream call. Its retries share this time.',
    unit: 'ms',
  }),
  UPSTREAM_RETRIES: integer(0, 10).default(2).register(settingDocs, {
    description: 'Maximum retries of an upstream call after a failure that may be temporary.',
  }),
  UPSTREAM_CONNECTIONS: integer(1, 1024).default(96).register(settingDocs, {
    description:
      'Maximum sockets to the upstream for each upstream key. Of four or more, one caller uses at most three quarters, and subscriptions use half.',
  }),
  UPSTREAM_MAX_RPS: integer(1, 100_000).default(50).register(settingDocs, {
    description:
      'Maximum upstream calls per second over all keys, and over all replicas of a fleet. Callers take turns. Subscriptions use at most half.',
    unit: 'calls/s',
  }),
};

/** Variables of other groups that the checks need. */
const context = {
  upstreamKind: z.string(),
  AUTH: z.string().optional(),
  isProduction: z.boolean(),
  AZURE_OPENAI_ENDPOINT: z.string().optional(),
  AZURE_OPENAI_API_KEY: z.string().optional(),
  AZURE_OPENAI_API_KEY_FILE: z.string().optional(),
  OPENAI_API_KEY_FILE: z.string().optional(),
};

export const upstream = z
  .object({ ...openai, ...calls, ...context })
  .register(groupDocs, {
    title: 'Upstream',
    intro: 'The REST API that the gateway calls, and how it calls it. Without a key, the built-in sandbox is used.',
  })
  .superRefine((values, { addIssue }) => {
    const report = (name: string, message: string) => addIssue({ code: 'custom', path: [name], message });
    const { upstreamKind, UPSTREAM, AUTH, isProduction } = values;
    if (UPSTREAM === undefined && hasOpenaiKey(values) && hasAzure(values)) {
      report('UPSTREAM', 'is not set, but there are settings for OpenAI and for Azure; expected openai or azure.');
    }
    if (upstreamKind === 'openai' && !hasOpenaiKey(values) && AUTH !== 'passthrough') {
      report('OPENAI_API_KEY', UPSTREAM === undefined && isProduction ? `${NO_KEY} ${NO_SANDBOX}` : NO_KEY);
    }
  }, ALWAYS)
  .transform((values) => ({
    openai: {
      baseUrl: values.OPENAI_BASE_URL,
      credential: {
        apiKey: values.OPENAI_API_KEY ?? '',
        organizationId: values.OPENAI_ORG_ID,
        projectId: values.OPENAI_PROJECT_ID,
        adminKey: values.OPENAI_ADMIN_KEY,
      },
    },
    hyperparameters: values.UPSTREAM_HYPERPARAMETERS,
    webhookSecret: values.OPENAI_WEBHOOK_SECRET,
    calls: {
      timeoutMs: values.UPSTREAM_TIMEOUT_MS,
      connections: values.UPSTREAM_CONNECTIONS,
      retries: values.UPSTREAM_RETRIES,
      maxRps: values.UPSTREAM_MAX_RPS,
    },
  }));
