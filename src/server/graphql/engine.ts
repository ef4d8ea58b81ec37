import type { GraphQLSchema } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { CachePartition, MemoryCache } from '../../memory-cache.ts';
import type { Context } from '../../request/context.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { KnownDocument } from './known-document.ts';
import { useValidation } from './validation.ts';

/** Estimated size of a syntax tree: the larger of both products. Measured. */
const [BYTES_PER_TOKEN, BYTES_PER_CHARACTER] = [400, 100];
/** Estimated size of a field in a plan. Measured. */
const BYTES_PER_PLANNED_FIELD = 400;

export interface Engine extends Pick<YogaServerInstance<Context, Context>, 'getEnveloped'> {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  /** Whether errors of execution suggest no names of the schema. */
  readonly hideSuggestions: boolean;
  /**
   * Documents by their text; only valid documents within the limits. Rejected documents would evict them, and the errors of
   * one take many times the memory of its text.
   */
  readonly knownDocuments: DocumentCache;
}

export interface DocumentCache {
  get(text: string): KnownDocument | undefined;
  /** Stores a document, or updates its size after its operations were executed. */
  set(text: string, document: KnownDocument): void;
}

/**
 * Yoga's plugin pipeline parses and validates new documents. It handles neither HTTP nor known documents: for a small query,
 * each of both would double the time.
 */
export function createEngine(
  schema: GraphQLSchema,
  log: Logger,
  hasIntrospection: boolean,
  memoryCache: MemoryCache,
): Engine {
  const { getEnveloped } = createYoga<Context, Context>({
    schema,
    plugins: [useValidation(hasIntrospection)],
    parserAndValidationCache: false,
    maskedErrors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    batching: false,
    multipart: false,
  });
  const knownDocuments = createDocumentCache(memoryCache.partition('document'));
  return { getEnveloped, schema, log, hideSuggestions: !hasIntrospection, knownDocuments };
}

function createDocumentCache(documents: CachePartition<KnownDocument>): DocumentCache {
  return {
    get: documents.get,
    set(text, known) {
      const { tokenCount = 0 } = known.document;
      const treeBytes = Math.max(BYTES_PER_TOKEN * tokenCount, BYTES_PER_CHARACTER * text.length);
      documents.set(text, known, treeBytes + BYTES_PER_PLANNED_FIELD * known.plannedFields);
    },
  };
}
