import { z } from 'zod';
import { readTrustedDocuments } from '../server/graphql/trusted-documents.ts';
import { ALWAYS, groupDocs, settingDocs } from './types/setting-docs.ts';
import { oneOf, onOff } from './types/setting-types.ts';

export const graphql = z
  .object({
    INTROSPECTION: onOff().default('on').register(settingDocs, {
      description: 'Whether clients may query the schema: `on` or `off`. When off, errors suggest no names either.',
    }),
    GRAPHIQL: onOff().optional().register(settingDocs, {
      description: 'Whether browsers get GraphiQL: `on` or `off`.',
      whenUnset: 'on, unless trusted documents are enforced',
    }),
    DASHBOARD: onOff().optional().register(settingDocs, {
      description: 'Whether `/` is the dashboard: `on` or `off`. When off, `/` redirects to `/graphql`.',
      whenUnset: 'on, unless trusted documents are enforced',
    }),
    TRUSTED_DOCUMENTS: z.string().transform(readTrustedDocuments).optional().register(settingDocs, {
      description:
        'Path of a JSON file of documents by their SHA-256, as graphql-codegen, relay-compiler and Apollo write it. Clients may send the hash as `documentId`, or the text.',
      example: 'persisted.json',
    }),
    TRUSTED_DOCUMENTS_MODE: oneOf('log', 'enforce').optional().register(settingDocs, {
      description: 'Treatment of a document that is not in the file: `enforce` rejects it, `log` only logs it.',
      defaultValue: 'enforce',
    }),
  })
  .register(groupDocs, {
    title: 'GraphQL',
    intro: 'Which documents clients may send, and whether they can explore the schema.',
  })
  .superRefine(({ TRUSTED_DOCUMENTS: documents, TRUSTED_DOCUMENTS_MODE: mode }, context) => {
    if (mode === undefined || documents !== undefined) return;
    const message =
      'is not set, but TRUSTED_DOCUMENTS_MODE is; expected the path of a file of documents, such as persisted.json.';
    context.addIssue({ code: 'custom', path: ['TRUSTED_DOCUMENTS'], message });
  }, ALWAYS)
  .transform(
    ({ INTROSPECTION, GRAPHIQL, DASHBOARD, TRUSTED_DOCUMENTS: trustedDocuments, TRUSTED_DOCUMENTS_MODE: mode }) => {
      const isTrustRequired = trustedDocuments !== undefined && mode !== 'log';
      const pages = isTrustRequired ? 'off' : 'on';
      return {
        hasIntrospection: INTROSPECTION === 'on',
        hasGraphiql: (GRAPHIQL ?? pages) === 'on',
        hasDashboard: (DASHBOARD ?? pages) === 'on',
        trustedDocuments,
        isTrustRequired,
      };
    },
  );
