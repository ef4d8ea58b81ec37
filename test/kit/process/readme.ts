import { readFileSync } from 'node:fs';

export const readme = readFileSync('README.md', 'utf8');

/** The code blocks of the README in a language. */
export function codeBlocks(language: 'graphql' | 'json'): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );
}

/** The TypeScript type of each scalar, according to the README. */
export function scalarMap(): Record<string, string> {
  const [block, ...others] = codeBlocks('json');
  if (block === undefined || others.length > 0) throw new Error('README: expected one block of json');
  return JSON.parse(block);
}
