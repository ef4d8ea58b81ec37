import { readFileSync } from 'node:fs';

export const readme = readFileSync('README.md', 'utf8');

/** The README's blocks of code in a language, as people copy them. */
export function codeBlocks(language: 'graphql' | 'json'): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );
}

/** The TypeScript type of each scalar, as clients are told to map them. */
export function scalarMap(): Record<string, string> {
  const [block, ...others] = codeBlocks('json');
  if (block === undefined || others.length > 0) throw new Error('README: expected one block of json');
  return JSON.parse(block);
}
