import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

const OUT = join(import.meta.dirname, '../../../out');

/** A folder with these files, until the end of the test. It is inside the repository, so that packages are found. */
export function makeFolder(files: Readonly<Record<string, string>>): string {
  mkdirSync(OUT, { recursive: true });
  const folder = mkdtempSync(join(OUT, 'test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

/** Replaces a file by another one, as secret managers do. */
export function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
