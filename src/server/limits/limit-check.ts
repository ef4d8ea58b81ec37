import type { DocumentNode } from 'graphql';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { measureDocument } from './document-shape.ts';
import { MAX_FIELDS } from './field-collector.ts';
import type { LimitName, Limits, LimitViolation } from './query-limits.ts';

// Limits without a setting. They are far above any real query, and low enough that validation takes little time.

const MAX_DIRECTIVES_PER_LOCATION = 10;
/** GraphiQL's introspection query has depth 15. */
const MAX_INTROSPECTION_DEPTH = 30;
const MAX_OVERLAPS = 100;
/** Takes about 10 ms. */
const MAX_COMPARISONS = 25_000;
const MAX_DUPLICATES = 10;
const MAX_VARIABLES_DEPTH = 50;

const LINE_END = /\r\n|[\n\r]/g;

/**
 * Returns a violation for a text with more lines than the maximum number of tokens; null otherwise. The parser skips empty
 * lines, but each error counts all lines before its location.
 */
export function findLineViolation(text: string, { tokens: max }: Limits): LimitViolation | null {
  let lines = 1;
  if (text.length >= max) for (const _ of text.matchAll(LINE_END)) if (++lines > max) return { limit: 'lines', max };
  return null;
}

/** Returns the first limit that a document exceeds; null also for circular fragments, which GraphQL itself rejects. */
export function findViolation(document: DocumentNode, limits: Limits): LimitViolation | null {
  const shape = measureDocument(document);
  const checks: readonly [LimitName, max: number, actual: number][] = [
    ['depth', limits.depth, shape.depth],
    ['aliases', limits.aliases, shape.aliases],
    ['rootFields', limits.rootFields, shape.rootFields],
    ['directives', limits.directives, shape.directives],
    ['directivesTogether', MAX_DIRECTIVES_PER_LOCATION, shape.directivesTogether],
    ['introspection', limits.introspectionLists, shape.introspectionLists],
    ['introspectionDepth', MAX_INTROSPECTION_DEPTH, shape.introspectionDepth],
    ['overlaps', MAX_OVERLAPS, shape.overlaps],
    ['fields', MAX_FIELDS, shape.fields],
    ['comparisons', MAX_COMPARISONS, shape.comparisons],
    ['duplicates', MAX_DUPLICATES, shape.duplicates],
  ];
  const [limit, max, actual] = checks.find(([, max, actual]) => actual > max) ?? [];
  if (limit === undefined || max === undefined) return null;
  // Above MAX_FIELDS, `actual` is only a lower bound.
  return shape.fields > MAX_FIELDS ? { limit, max } : { limit, max, actual };
}

/** Returns the limit that the variables exceed, or null. Depth is checked first, because JSON.stringify recurses. */
export function findVariablesViolation(
  variables: Readonly<Record<string, unknown>>,
  limits: Limits,
): LimitViolation | null {
  if (!isWithinDepth(variables, MAX_VARIABLES_DEPTH)) return { limit: 'variablesDepth', max: MAX_VARIABLES_DEPTH };
  if (limits.variablesBytes === Number.POSITIVE_INFINITY) return null;
  const actual = Buffer.byteLength(JSON.stringify(variables));
  return actual > limits.variablesBytes ? { limit: 'variables', max: limits.variablesBytes, actual } : null;
}
