import { globSync, readFileSync } from 'node:fs';

/** A Markdown page of the project. */
export interface Page {
  /** Its path from the root, such as `docs/clients.md`. */
  readonly path: string;
  readonly text: string;
}

/** All Markdown pages that users read. */
export function readPages(): Page[] {
  const paths = [...globSync('*.md'), ...globSync('docs/*.md')].map((path) => path.replaceAll('\\', '/')).sort();
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The code blocks of a page in one language, such as `graphql`, as people copy them. */
export function codeBlocks({ text }: Page, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(pattern)].map(([, code = '']) => code);
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ text }: Page): Set<string> {
  const withoutCode = text.replace(/^```[\s\S]*?^```$/gm, '');
  const headings = [...withoutCode.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The GraphQL documents of the pages, those of the README first. */
export function exampleDocuments(): string[] {
  return readPages().flatMap((page) => codeBlocks(page, 'graphql'));
}

/** The TypeScript type of each scalar, according to `docs/clients.md`. */
export function scalarMap(): Record<string, string> {
  const page = readPages().find(({ path }) => path === 'docs/clients.md');
  const [block, ...others] = page ? codeBlocks(page, 'json') : [];
  if (block === undefined || others.length > 0) throw new Error('docs/clients.md: has no single block of json');
  return JSON.parse(block);
}
