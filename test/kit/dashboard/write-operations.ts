import { readFileSync, writeFileSync } from 'node:fs';
import { generateInputTypes, INPUT_TYPES } from './generate-input-types.ts';
import { GENERATED, generateOperations } from './generate-operations.ts';

// The script behind `npm run operations`. With `--check`, it writes nothing, and fails when a file is not current.
const files: [path: string, text: string][] = [
  [GENERATED, await generateOperations()],
  [INPUT_TYPES, generateInputTypes()],
];
for (const [path, text] of files) {
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
    process.stdout.write(`${path}: written\n`);
  } else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`${path}: does not agree with the schema and the operations; run npm run operations\n`);
    process.exitCode = 1;
  }
}
