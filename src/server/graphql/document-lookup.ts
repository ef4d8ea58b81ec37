import { LRUCache } from 'lru-cache';
import type { Logger } from '../../telemetry/logger.ts';
import { HttpError } from '../http/http-error.ts';
import type { Params, RawParams } from './params.ts';
import { bareHash, hashOf, type TrustedDocuments } from './trusted-documents.ts';

/** Most documents of which is remembered that they were logged. */
const MAX_REMEMBERED = 10_000;

/**
 * Finds the document that a request means. Throws a Refusal: 400 without one, 403 when it is not trusted and has to be.
 */
export type FindDocument = (asked: RawParams, requestId: string) => Params;

export interface DocumentOptions {
  readonly trustedDocuments: TrustedDocuments | undefined;
  /** Whether a document that is not trusted is refused. */
  readonly mustTrust: boolean;
}

export function createFindDocument({ trustedDocuments, mustTrust }: DocumentOptions, log: Logger): FindDocument {
  const logged = new LRUCache<string, true>({ maxSize: MAX_REMEMBERED, sizeCalculation: () => 1 });
  return (asked, requestId) => {
    const { query, documentId } = asked;
    if (trustedDocuments === undefined) return { ...asked, query: given(query) };
    if (query === undefined && documentId !== undefined) {
      const text = trustedDocuments.get(bareHash(documentId));
      if (text !== undefined) return { ...asked, query: text };
      throw notTrusted('documentId: expected the sha-256 of a trusted document.');
    }
    const text = given(query); // The text decides, whatever id it comes with.
    const hash = hashOf(text);
    if (trustedDocuments.has(hash)) return { ...asked, query: text };
    if (mustTrust) throw notTrusted('query: expected a trusted document, or the sha-256 of one as documentId.');
    if (!logged.has(hash)) {
      logged.set(hash, true);
      log.warn({ requestId, sha256: hash }, 'document not trusted');
    }
    return { ...asked, query: text };
  };
}

function given(query: string | undefined): string {
  if (query === undefined) throw new HttpError(400, 'query: expected a string.');
  return query;
}

const notTrusted = (message: string) => new HttpError(403, message, {}, 'DOCUMENT_NOT_TRUSTED');
