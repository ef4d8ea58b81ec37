import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSchema, isEnumType, isScalarType, isSpecifiedScalarType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { renamedSettings, settings } from '../../../src/config/settings.ts';
import { anchorsOf, codeBlocks, type Page, readPages } from '../../kit/process/documents.ts';

const MAX_LINE_LENGTH = 400;
/** Clauses that circumscribe a term; the texts use the term. */
const RIDDLES = /takes note|tells of|gives what|what is kept|whoever|nobody|seldom|for ever/i;

const pages = readPages();
const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const page = (path: string): Page => {
  const found = pages.find((candidate) => candidate.path === path);
  if (!found) throw new Error(`${path}: expected to be a page`);
  return found;
};
const sources = globSync('src/**/*.{ts,cjs,tsx,graphql}');

describe('every page', () => {
  it.each(pages)('$path has no line over 400 characters', ({ text }) => {
    expect(text.split('\n').filter(({ length }) => length > MAX_LINE_LENGTH)).toEqual([]);
  });

  it.each(pages)('$path links to files and headings that exist', ({ path, text }) => {
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      if (!existsSync(linked)) return true;
      return anchor !== undefined && !anchorsOf({ path: linked, text: readFileSync(linked, 'utf8') }).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)('$path shows GraphQL that fits the schema', (shown) => {
    for (const document of codeBlocks(shown, 'graphql')) expect(validate(schema, parse(document))).toEqual([]);
  });

  it('names only settings that exist', () => {
    const known = new Set([
      ...settings.keys(),
      'NODE_ENV',
      'NO_COLOR',
      'CHROMIUM',
      'ALLOW_MUTATION',
      ...renamedSettings.keys(),
    ]);
    const prefix =
      /^(MAX|CACHE|UPSTREAM|OPENAI|AZURE|SANDBOX|AUTH|TRUSTED|ALLOW|ALLOWED|CORS|RATE|DRAIN|HEARTBEAT|POLL)_/;
    const errorCodes = schema.getType('ErrorCode');
    const codes = isEnumType(errorCodes) ? errorCodes.getValues().map(({ name }) => name) : [];
    const examples = globSync('deploy/**/*.{yaml,conf}').map((path) => ({ path, text: readFileSync(path, 'utf8') }));
    for (const { path, text } of [...pages, ...examples]) {
      const named = [...text.matchAll(/`?\b([A-Z]+(?:_[A-Z]+)+)\b/g)].map(([, name = '']) => name);
      const unknown = named.filter((name) => prefix.test(name) && !known.has(name) && !codes.includes(name));
      expect(unknown, path).toEqual([]);
    }
  });
});

describe('plain English', () => {
  it('has no riddles in the sources, the pages and the schema', () => {
    const files = [...sources, ...pages.map(({ path }) => path), 'schema.graphql'];
    expect(files.filter((file) => RIDDLES.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('has no comment sentence that begins with What or Who and is no question', () => {
    const lines = sources.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => /^\s*(\/\/|\*|\/\*\*) +(What|Who|Whoever) /.test(line) && !line.includes('?'))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(lines).toEqual([]);
  });
});

describe('docs/upstream.md', () => {
  it('has every section that the code cites', () => {
    const titles = [...page('docs/upstream.md').text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
    const cited = globSync('{src,test}/**/*.ts').flatMap((file) => {
      const text = readFileSync(file, 'utf8').replace(/\n\s*(?:\/\/|\*) ?/g, ' ');
      return [...text.matchAll(/docs\/upstream\.md: ([A-Z][\w, -]*[\w])/g)].flatMap(([, names = '']) => {
        const first = titles.filter((title) => names.startsWith(title)).sort((a, b) => b.length - a.length)[0];
        return first === undefined ? [`${file}: ${names}`] : [];
      });
    });
    expect(cited).toEqual([]);
  });
});

describe('docs/operate.md', () => {
  it('explains every error code, and no other', () => {
    const table = page('docs/operate.md').text.split('## Error codes')[1]?.split('\n## ')[0] ?? '';
    const explained = [...table.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    const type = schema.getType('ErrorCode');
    expect(explained.sort()).toEqual(
      isEnumType(type)
        ? type
            .getValues()
            .map(({ name }) => name)
            .sort()
        : [],
    );
  });
});

describe('docs/architecture.md', () => {
  it('names only files and folders that exist', () => {
    const { text } = page('docs/architecture.md');
    const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w-]*(?:\.ts)?|[\w-]+\.ts)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(50);
    const exists = (name: string) =>
      [name, `src/${name}`].some((path) => existsSync(path)) || globSync(`src/**/${name}`).length > 0;
    expect(named.filter((name) => !exists(name))).toEqual([]);
  });
});

describe('docs/clients.md', () => {
  it('maps every scalar of the schema to a type of TypeScript, and no other', () => {
    const [map = '{}'] = codeBlocks(page('docs/clients.md'), 'json');
    const own = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
    expect(Object.keys(JSON.parse(map)).sort()).toEqual(own.map(String).sort());
  });
});
