import { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { HttpError } from '../http/http-error.ts';
import type { Params, RawParams } from './params.ts';
import { bareHash, hashOf, type TrustedDocuments } from './trusted-documents.ts';

/** Maximum number of untrusted documents whose hashes are stored, so that each is logged once. */
const MAX_LOGGED_HASHES = 10_000;

/**
 * Finds the document of a request. Returns the errors of the response when a client of Apollo's persisted queries has to
 * send the text. Throws an HttpError: 400 without a document, 403 when only trusted ones are allowed.
 */
export type FindDocument = (params: RawParams, requestId: string) => Params | MissingDocument;

/** The response to the hash of an unknown document, in Apollo's protocol. */
export interface MissingDocument {
  readonly errors: readonly GraphQLError[];
}

export interface DocumentOptions {
  readonly trustedDocuments: TrustedDocuments | undefined;
  /** Whether untrusted documents are rejected, not only logged. */
  readonly isTrustRequired: boolean;
}

export function createFindDocument({ trustedDocuments, isTrustRequired }: DocumentOptions, log: Logger): FindDocument {
  const loggedHashes = new LRUCache<string, true>({ maxSize: MAX_LOGGED_HASHES, sizeCalculation: () => 1 });
  const trustedTexts = new Set(trustedDocuments?.values());
  return (params, requestId) => {
    const { query, documentId, persistedHash } = params;
    const sentHash = query === undefined ? (documentId ?? persistedHash) : undefined; // A query takes precedence.
    if (sentHash !== undefined) {
      const text = trustedDocuments?.get(bareHash(sentHash));
      if (text !== undefined) return { ...params, query: text, isTrusted: true };
      // A client of Apollo sends the text next, which is of no use where only trusted documents are allowed.
      if (persistedHash !== undefined && !isTrustRequired) return { errors: [persistedQueryNotSupported()] };
      const name = documentId === undefined ? 'extensions.persistedQuery.sha256Hash' : 'documentId';
      if (trustedDocuments !== undefined) throw notTrusted(`${name}: is unknown; ${EXPECTED_DOCUMENT}.`);
    }
    const text = requireQuery(params);
    if (trustedDocuments === undefined) return { ...params, query: text };
    if (trustedTexts.has(text)) return { ...params, query: text, isTrusted: true };
    const hash = hashOf(text);
    if (isTrustRequired) throw notTrusted(`query: is not a trusted document; ${EXPECTED_DOCUMENT}.`);
    if (!loggedHashes.has(hash)) {
      loggedHashes.set(hash, true);
      const operation = params.operationName ?? nameIn(text);
      log.warn(
        { requestId, operation: operation?.slice(0, MAX_NAME_LENGTH), sha256: hash, hint: TEXT_HINT },
        UNTRUSTED,
      );
      log.debug({ requestId, sha256: hash, text }, 'text of an untrusted document');
    }
    return { ...params, query: text };
  };
}

const UNTRUSTED = 'untrusted document';
const TEXT_HINT = 'LOG_LEVEL=debug logs the text, once per document';
const MAX_NAME_LENGTH = 100;

/** The name of the first operation in a document; undefined when it has none, or cannot be parsed. */
function nameIn(text: string): string | undefined {
  return /\b(?:query|mutation|subscription)\s+([_A-Za-z]\w*)/.exec(text)?.[1];
}

const EXPECTED_DOCUMENT = 'expected a document of the TRUSTED_DOCUMENTS file, or its SHA-256 as documentId';

function requireQuery({ query, documentId }: RawParams): string {
  if (query !== undefined) return query;
  const hint = documentId === undefined ? '' : ' A documentId alone needs TRUSTED_DOCUMENTS.';
  throw new HttpError(400, `query: is missing; expected a GraphQL document, such as { gateway { version } }.${hint}`);
}

const notTrusted = (message: string) => new HttpError(403, message, {}, 'DOCUMENT_NOT_TRUSTED');

/**
 * Clients of automatic persisted queries know it by message and code, and send the text from then on. The gateway stores no
 * texts of clients: it caches parsed documents by text, so that a hash saves bytes only, and a store is one more to fill.
 */
function persistedQueryNotSupported(): GraphQLError {
  const extensions = { code: 'PERSISTED_QUERY_NOT_SUPPORTED' satisfies ErrorCode };
  return new GraphQLError('PersistedQueryNotSupported', { extensions });
}
