import { readFileSync } from 'node:fs';

export const readme = readFileSync('README.md', 'utf8');

/** The README's blocks of code in a language, as people copy them. */
export function codeBlocks(language: 'graphql' | 'json' | 'ts'): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );
}

/** The one block in a language that has `word`. */
export function codeBlock(language: 'graphql' | 'json' | 'ts', word: string): string {
  const [block, ...others] = codeBlocks(language).filter((code) => code.includes(word));
  if (block === undefined || others.length > 0)
    throw new Error(`README: expected one block of ${language} with ${word}`);
  return block;
}

/** The TypeScript type of each scalar, as clients are told to map them. */
export function scalarMap(): Record<string, string> {
  return JSON.parse(codeBlock('json', 'UnixTimestamp'));
}
