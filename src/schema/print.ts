import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from './schema.ts';

const FILE = new URL('../../schema.graphql', import.meta.url);

/** The graph as text, sorted, as `schema.graphql` holds it. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`;
}

/** What a client of the schema in `before` would trip over in `after`: one sentence each. */
export function breakingChanges(before: string, after: string): string[] {
  return findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ description }) => description);
}

// `npm run schema` writes the file. A change that breaks clients has to be meant: `npm run schema -- --breaking`.
if (import.meta.main) {
  const schema = printedSchema();
  const before = readFileSync(FILE, 'utf8');
  const breaking = breakingChanges(before, schema);
  if (breaking.length > 0 && !process.argv.includes('--breaking')) {
    process.stderr.write(
      `Not written: this breaks clients. If it is meant: npm run schema -- --breaking\n  ${breaking.join('\n  ')}\n`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(FILE, schema);
    process.stdout.write(`schema.graphql: ${schema === before ? 'unchanged' : 'written'}\n`);
  }
}
