import { LRUCache } from 'lru-cache';
import type { Logger } from '../../telemetry/logger.ts';
import { HttpError } from '../http/http-error.ts';
import type { Params, RawParams } from './params.ts';
import { bareHash, hashOf, type TrustedDocuments } from './trusted-documents.ts';

/** Maximum number of untrusted documents whose hashes are stored, so that each is logged once. */
const MAX_LOGGED_HASHES = 10_000;

/**
 * Finds the document of a request. Throws an HttpError: 400 without a document, 403 when only trusted ones are allowed.
 */
export type FindDocument = (params: RawParams, requestId: string) => Params;

export interface DocumentOptions {
  readonly trustedDocuments: TrustedDocuments | undefined;
  /** Whether untrusted documents are rejected, not only logged. */
  readonly isTrustRequired: boolean;
}

export function createFindDocument({ trustedDocuments, isTrustRequired }: DocumentOptions, log: Logger): FindDocument {
  const loggedHashes = new LRUCache<string, true>({ maxSize: MAX_LOGGED_HASHES, sizeCalculation: () => 1 });
  return (params, requestId) => {
    const { query, documentId } = params;
    if (trustedDocuments === undefined) return { ...params, query: requireQuery(params) };
    if (query === undefined && documentId !== undefined) {
      const text = trustedDocuments.get(bareHash(documentId));
      if (text !== undefined) return { ...params, query: text };
      throw notTrusted(`documentId: is unknown; ${EXPECTED_DOCUMENT}.`);
    }
    const text = requireQuery(params); // A query takes precedence over a documentId.
    const hash = hashOf(text);
    if (trustedDocuments.has(hash)) return { ...params, query: text };
    if (isTrustRequired) throw notTrusted(`query: is not a trusted document; ${EXPECTED_DOCUMENT}.`);
    if (!loggedHashes.has(hash)) {
      loggedHashes.set(hash, true);
      log.warn({ requestId, sha256: hash }, 'untrusted document');
    }
    return { ...params, query: text };
  };
}

const EXPECTED_DOCUMENT = 'expected a document of the TRUSTED_DOCUMENTS file, or its SHA-256 as documentId';

function requireQuery({ query, documentId }: RawParams): string {
  if (query !== undefined) return query;
  const hint = documentId === undefined ? '' : ' A documentId alone needs TRUSTED_DOCUMENTS.';
  throw new HttpError(400, `query: is missing; expected a GraphQL document, such as { gateway { version } }.${hint}`);
}

const notTrusted = (message: string) => new HttpError(403, message, {}, 'DOCUMENT_NOT_TRUSTED');
