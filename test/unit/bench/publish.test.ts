import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { replaceSection } from '../../bench/publish.ts';

test('the tables of a benchmark replace those of its section only', () => {
  const page = 'before\n<!-- a:begin -->\n\nold\n\n<!-- a:end -->\n<!-- b:begin -->\nother\n<!-- b:end -->\n';
  expect(replaceSection(page, 'a', '| new |\n')).toBe(page.replace('old', '| new |'));
});

test('a page without the section is rejected', () => {
  expect(() => replaceSection('<!-- a:end -->\n<!-- a:begin -->\n', 'a', '')).toThrow('<!-- a:begin -->');
});

test.each(['bench', 'growth'])('docs/performance.md has a section for the tables of %s', (name) => {
  const page = readFileSync('docs/performance.md', 'utf8');
  expect(replaceSection(page, name, '| new |')).toContain(`<!-- ${name}:begin -->\n\n| new |`);
});
