import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsHelp, settingsMarkdown } from '../../../src/cli/settings-text.ts';
import { readConfig } from '../../../src/config/config.ts';
import { fileSettingOf, SECRET_NAMES } from '../../../src/config/secret-files.ts';
import { secretTypes, settingGroups, settings } from '../../../src/config/settings.ts';

const SRC = join(import.meta.dirname, '../../../src');

describe('docs/settings.md', () => {
  it('is current: `npm run docs` writes it', () => {
    expect(readFileSync('docs/settings.md', 'utf8')).toBe(settingsMarkdown());
  });

  it('has one row for each setting', () => {
    const names = [...settingsMarkdown().matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(names).toEqual([...settings.keys()]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has no line over 400 characters', () => {
    for (const line of settingsMarkdown().split('\n')) expect(line.length, line).toBeLessThanOrEqual(400);
  });
});

describe('the help', () => {
  it('has every setting with its default in at most 100 columns', () => {
    const help = settingsHelp();
    for (const { name, default: value } of settings.values()) {
      const entry = new RegExp(`^  ${name} [^]*?\\(default:\\s([^)]*)\\)$`, 'm').exec(help);
      expect(entry?.[1]?.replace(/\s+/g, ' '), name).toContain(value);
    }
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  it('has no Markdown', () => {
    expect(settingsHelp()).not.toContain('`');
  });
});

describe('a setting', () => {
  it.each([...settings.values()])('$name has complete sentences and no secret default', (setting) => {
    expect(setting.description).toMatch(/^[A-Z].*\.$/s);
    if (setting.isSecret) expect([setting.hasDefaultValue, setting.example]).toEqual([false, expect.any(String)]);
  });

  it.each(
    [...settings.values()].filter(
      ({ example, name }) => example !== undefined && !/_FILE$|DOCUMENTS$|CA_CERTS$/.test(name),
    ),
  )('$name accepts its example', ({ name, example }) => {
    const openaiKey = name.startsWith('AZURE_') ? {} : { OPENAI_API_KEY: 'k' };
    const azure = name.startsWith('AZURE_') && {
      AZURE_OPENAI_ENDPOINT: 'https://a.example',
      AZURE_OPENAI_API_KEY: 'k',
      OPENAI_API_VERSION: '2024-10-21',
    };
    const auth = name.startsWith('JWT_') && { AUTH: 'none' };
    expect(() => readConfig({ ...openaiKey, ...azure, ...auth, [name]: example })).not.toThrow();
  });

  it('that is a secret is in SECRET_NAMES and has a setting for its file, and no other one', () => {
    expect([...secretTypes.keys()].sort()).toEqual([...SECRET_NAMES].sort());
    const withFile = [...settings.keys()].filter((name) => settings.has(fileSettingOf(name)));
    expect(withFile.sort()).toEqual([...SECRET_NAMES].sort());
  });

  it.each(settingGroups)(
    'belongs to a group with a title and an introduction: $title',
    ({ title, intro, settings }) => {
      expect(title).toMatch(/^[A-Z]/);
      expect(intro).toMatch(/^[A-Z].*\.$/s);
      expect(settings.length).toBeGreaterThan(0);
    },
  );

  it('exists for every variable that the configuration reads', () => {
    const read = [
      'azure',
      'authentication',
      'caching',
      'connections',
      'graphql',
      'network',
      'limits',
      'listening',
      'mutations',
      'operation',
      'upstream',
    ]
      .flatMap((file) => [
        ...readFileSync(join(SRC, `config/${file}.ts`), 'utf8').matchAll(/^ {2,6}([A-Z][A-Z_]+): /gm),
      ])
      .map(([, name]) => name);
    expect(read.length).toBeGreaterThan(40);
    for (const name of read) expect([...settings.keys()]).toContain(name);
  });
});
