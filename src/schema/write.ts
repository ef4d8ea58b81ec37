import { readFileSync, writeFileSync } from 'node:fs';
import { breakingChanges, printedSchema } from './print.ts';

// The script of `npm run schema`. It refuses breaking changes without `npm run schema -- --breaking`.
const FILE = new URL('../../schema.graphql', import.meta.url);
const before = readFileSync(FILE, 'utf8');
const after = printedSchema();
const breaking = breakingChanges(before, after);

if (breaking.length > 0 && !process.argv.includes('--breaking')) {
  process.stderr.write(
    `schema.graphql: not written, because these changes break clients. To write it: npm run schema -- --breaking\n  ${breaking.join('\n  ')}\n`,
  );
  process.exitCode = 1;
} else {
  writeFileSync(FILE, after);
  process.stdout.write(`schema.graphql: ${after === before ? 'unchanged' : 'written'}\n`);
}
