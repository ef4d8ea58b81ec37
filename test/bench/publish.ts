import { readFile, writeFile } from 'node:fs/promises';

const PAGE = new URL('../../docs/performance.md', import.meta.url);

/** Writes the tables of a benchmark to standard output, and, if wanted, into its section of docs/performance.md. */
export async function publish(name: string, tables: string, intoPage: boolean): Promise<void> {
  process.stdout.write(tables);
  if (intoPage) await writeFile(PAGE, replaceSection(await readFile(PAGE, 'utf8'), name, tables));
}

/** Replaces the text between the comments `name:begin` and `name:end` of a page. Throws when the page has no such comments. */
export function replaceSection(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->\n`, `<!-- ${name}:end -->`];
  const [start, stop] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (!page.includes(begin) || stop < start)
    throw new Error(`docs/performance.md: expected the lines ${begin.trim()} and ${end} around the tables.`);
  return `${page.slice(0, start)}\n${text.trim()}\n\n${page.slice(stop)}`;
}
