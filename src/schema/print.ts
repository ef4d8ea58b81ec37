import { buildSchema, findBreakingChanges, lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './schema.ts';

/** Returns the sorted schema as text: the content of `schema.graphql`. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
}

/** Returns one sentence per change from one printed schema to another that can break clients. */
export function breakingChanges(before: string, after: string): string[] {
  return findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ description }) => description);
}
