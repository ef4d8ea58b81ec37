import { z } from 'zod';
import { readTrustedDocuments } from '../server/graphql/trusted-documents.ts';
import type { HttpConfig } from '../server/server.ts';
import { int, list, onOff } from './env.ts';

// How the front meets its clients: the part of the configuration that says so.

const ORIGIN = /^https?:\/\/([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/;

const EXPECTED_ORIGINS = 'expected origins such as https://app.example, separated by commas';

/** The variables that decide it. */
export const httpSettings = {
  CORS_ORIGINS: list(EXPECTED_ORIGINS, ORIGIN)
    .refine((origins) => origins.every((origin) => URL.canParse(origin)), EXPECTED_ORIGINS)
    .transform((origins) => origins.map((origin) => new URL(origin).origin)) // As browsers write it: without a usual port.
    .optional()
    .describe('origins whose pages may ask and read the answers, such as https://app.example'),
  INTROSPECTION: onOff()
    .default('on')
    .describe('whether the schema can be asked for; off, errors suggest no names either'),
  GRAPHIQL: onOff()
    .optional()
    .describe('whether browsers get GraphiQL; if unset, on unless documents have to be trusted'),
  TRUSTED_DOCUMENTS: z
    .string()
    .transform(readTrustedDocuments)
    .optional()
    .describe('a JSON file of documents by their sha-256, which clients may send instead'),
  TRUSTED_DOCUMENTS_MODE: z
    .enum(['log', 'enforce'], 'expected log or enforce')
    .default('enforce')
    .describe('any other document is only logged, or refused: log or enforce'),
  HEADERS_TIMEOUT_MS: int(1, 600_000).default(10_000).describe('longest wait for the headers of a request'),
  BODY_TIMEOUT_MS: int(1, 600_000)
    .default(30_000)
    .describe('longest wait for the body of a request behind its headers, and for the next bytes of an upload'),
  MAX_UPLOAD_MB: int(1, 65_536)
    .default(512)
    .describe('largest file that is passed on to the upstream; OpenAI takes 512'),
  IDLE_TIMEOUT_MS: int(1, 3_600_000)
    .default(65_000)
    .describe('longest rest of a connection between requests, and of a client in reading an answer'),
  MAX_CONNECTIONS: int(1, 1_000_000)
    .default(10_000)
    .describe('most connections; a further one takes the place of the one that has rested longest'),
};

type Settings = z.output<z.ZodObject<typeof httpSettings>>;

/** What contradicts itself: one sentence each. */
export function httpFaults({
  TRUSTED_DOCUMENTS: file,
  TRUSTED_DOCUMENTS_MODE: mode,
}: Readonly<Record<string, string | undefined>>): string[] {
  if (mode === undefined || file !== undefined) return [];
  return ['TRUSTED_DOCUMENTS: expected a file of documents, as TRUSTED_DOCUMENTS_MODE is set'];
}

export function httpOf(values: Settings): HttpConfig {
  const mustTrust = values.TRUSTED_DOCUMENTS !== undefined && values.TRUSTED_DOCUMENTS_MODE === 'enforce';
  return {
    corsOrigins: values.CORS_ORIGINS ?? [],
    hasIntrospection: values.INTROSPECTION === 'on',
    hasGraphiql: (values.GRAPHIQL ?? (mustTrust ? 'off' : 'on')) === 'on',
    trustedDocuments: values.TRUSTED_DOCUMENTS,
    mustTrust,
    headersTimeoutMs: values.HEADERS_TIMEOUT_MS,
    maxUploadBytes: values.MAX_UPLOAD_MB * 1024 * 1024,
    bodyTimeoutMs: values.BODY_TIMEOUT_MS,
    idleTimeoutMs: values.IDLE_TIMEOUT_MS,
    maxConnections: values.MAX_CONNECTIONS,
  };
}
