import { readFileSync, writeFileSync } from 'node:fs';
import { breakingChanges, printedSchema } from './print.ts';

// The script behind `npm run schema`. A change that breaks clients has to be meant: `npm run schema -- --breaking`.
const FILE = new URL('../../schema.graphql', import.meta.url);
const before = readFileSync(FILE, 'utf8');
const schema = printedSchema();
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
