import type { DocumentNode } from 'graphql';
import { measureDocument } from './document-shape.ts';

// A document that is not cached costs points for the CPU time of reading it, valid or not: about one per millisecond. The
// divisors are measured. A document of an application takes less than one millisecond, and costs none.

const CHARACTERS_PER_POINT = 100_000;
const TOKENS_PER_POINT = 500;
const FIELDS_PER_POINT = 1000;
const COMPARISONS_PER_POINT = 2500;

/** Points for parsing a text: comments and strings have no tokens of their own. */
export function parsingPoints({ length }: string): number {
  return Math.floor(length / CHARACTERS_PER_POINT);
}

/** Points for validating a document. */
export function validationPoints(document: DocumentNode): number {
  const { fields, comparisons } = measureDocument(document);
  const { tokenCount = 0 } = document;
  return Math.floor(tokenCount / TOKENS_PER_POINT + fields / FIELDS_PER_POINT + comparisons / COMPARISONS_PER_POINT);
}
