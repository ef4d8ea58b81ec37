import { z } from 'zod';
import { ALWAYS, groupDocs, settingDocs } from './types/setting-docs.ts';
import { apiKeyText, baseUrl, headerText } from './types/setting-types.ts';

export const azure = z
  .object({
    AZURE_OPENAI_ENDPOINT: baseUrl().optional().register(settingDocs, {
      description: 'Endpoint of the Azure OpenAI resource. An endpoint of the v1 API ends in `/openai/v1`.',
      example: 'https://NAME.openai.azure.com',
    }),
    AZURE_OPENAI_API_KEY: apiKeyText().optional().register(settingDocs, {
      description: 'API key of the resource.',
      example: 'abc123',
      isSecret: true,
    }),
    OPENAI_API_VERSION: headerText().optional().register(settingDocs, {
      description: 'Version of the API, sent as `api-version`. The v1 API needs none.',
      example: '2024-10-21',
    }),
    upstreamKind: z.string(),
    AUTH: z.string().optional(),
  })
  .register(groupDocs, {
    title: 'Azure',
    intro: 'The Azure OpenAI resource that the gateway calls, for `UPSTREAM=azure`.',
  })
  .superRefine(({ upstreamKind, AUTH, ...values }, context) => {
    if (upstreamKind !== 'azure') return;
    const report = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    const { AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: key, OPENAI_API_VERSION: version } = values;
    if (endpoint === undefined) {
      const message = 'is not set; expected the endpoint of the resource, such as https://NAME.openai.azure.com.';
      report('AZURE_OPENAI_ENDPOINT', message);
    }
    if (key === undefined && AUTH !== 'passthrough') {
      report('AZURE_OPENAI_API_KEY', 'is not set; expected the API key of the resource, such as abc123.');
    }
    if (version === undefined && !isV1(String(endpoint))) {
      report('OPENAI_API_VERSION', 'is not set; expected a version of the API, such as 2024-10-21.');
    }
  }, ALWAYS)
  .transform(({ AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: apiKey = '', OPENAI_API_VERSION: version }) => {
    return endpoint && { baseUrl: azureBaseUrl(endpoint, version), credential: { apiKey } };
  });

const isV1 = (endpoint: string) => /\/openai\/v1\/?$/.test(endpoint);

/** The base URL of a resource. Before v1, every request needs the version in its query (docs/upstream.md: Other servers). */
function azureBaseUrl(endpoint: URL, version: string | undefined): URL {
  const path = endpoint.pathname.replace(/\/$/, '');
  const url = new URL(endpoint);
  url.pathname = isV1(path) || path.endsWith('/openai') ? path : `${path}/openai`;
  if (version !== undefined) url.searchParams.set('api-version', version);
  return url;
}
