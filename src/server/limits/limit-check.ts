import type { DocumentNode } from 'graphql';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { MAX_FIELDS, measureDocument } from './document-shape.ts';
import type { LimitName, Limits, LimitViolation } from './query-limits.ts';

// No settings: far more than anybody needs, and no more than what reads documents can take.

const MAX_DIRECTIVES_PER_LOCATION = 10;
/** GraphiQL goes 15 deep. */
const MAX_INTROSPECTION_DEPTH = 30;
const MAX_OVERLAPS = 100;
const MAX_VARIABLES_DEPTH = 50;

const LINE_END = /\r\n|[\n\r]/g;

/** More lines than tokens may be. The parser passes over them, but for each error they are counted up to its place. */
export function findLineViolation(text: string, { tokens: max }: Limits): LimitViolation | null {
  let lines = 1;
  if (text.length >= max) for (const _ of text.matchAll(LINE_END)) if (++lines > max) return { limit: 'lines', max };
  return null;
}

/** The first limit that a document goes past; null also for one that GraphQL itself refuses as circular. */
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
  ];
  const [limit, max, actual] = checks.find(([, max, actual]) => actual > max) ?? [];
  if (limit === undefined || max === undefined) return null;
  // Past the end of the counting nobody knows how many there are.
  return shape.fields > MAX_FIELDS ? { limit, max } : { limit, max, actual };
}

/** The limit that the variables go past. Their depth first: what writes them as JSON goes as deep as they do. */
export function findVariablesViolation(
  variables: Readonly<Record<string, unknown>>,
  limits: Limits,
): LimitViolation | null {
  if (!isWithinDepth(variables, MAX_VARIABLES_DEPTH)) return { limit: 'variablesDepth', max: MAX_VARIABLES_DEPTH };
  if (limits.variablesBytes === Number.POSITIVE_INFINITY) return null;
  const actual = Buffer.byteLength(JSON.stringify(variables));
  return actual > limits.variablesBytes ? { limit: 'variables', max: limits.variablesBytes, actual } : null;
}
