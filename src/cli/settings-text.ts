import { type Setting, settingGroups } from '../config/settings.ts';

/** Columns of `--help`. */
const WIDTH = 100;

/** `docs/settings.md`: one table per group, one row per setting. */
export function settingsMarkdown(): string {
  const groups = settingGroups.map(({ title, intro, settings }) => {
    const rows = settings.map(
      (setting) =>
        `| \`${setting.name}\` | ${defaultCell(setting)} | ${setting.unit ?? ''} | ${detailsOf(setting, true).join(' ')} |`,
    );
    return `## ${title}\n\n${intro}\n\n| Setting | Default | Unit | What it does |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Settings

Settings are environment variables. An empty variable counts as unset. \`npm start -- --check\` checks them and the
upstream, \`npm start -- --help\` prints this list. A variable whose name is similar to a setting causes a warning.

<!-- Generated from src/config by \`npm run docs\`. -->

${groups.join('\n')}`;
}

/** The same for a terminal, without Markdown. */
export function settingsHelp(): string {
  const groups = settingGroups.map(({ title, intro, settings }) => {
    const nameWidth = Math.max(...settings.map(({ name }) => name.length));
    const indent = ' '.repeat(nameWidth + 4);
    const rows = settings.map((setting) => {
      const { name, unit, hasDefaultValue } = setting;
      const value = `${setting.default}${hasDefaultValue && unit !== undefined ? ` ${unit}` : ''}`;
      const text = plain([...detailsOf(setting, false), `(default: ${value})`].join(' '));
      return `  ${name.padEnd(nameWidth)}  ${wrapped(text, WIDTH - indent.length).join(`\n${indent}`)}\n`;
    });
    return `${title}\n${wrapped(plain(intro), WIDTH - 2)
      .map((line) => `  ${line}\n`)
      .join('')}\n${rows.join('')}`;
  });
  return groups.join('\n');
}

/** The sentences about a setting. */
function detailsOf({ description, example, oldNames = [] }: Setting, isMarkdown: boolean): string[] {
  const code = (text: string) => (isMarkdown ? `\`${text}\`` : text);
  return [
    description,
    ...(example === undefined ? [] : [`Example: ${code(example)}.`]),
    ...oldNames.map((name) => `Old name, deprecated: ${code(name)}.`),
  ];
}

const defaultCell = ({ default: value, hasDefaultValue }: Setting) => (hasDefaultValue ? `\`${value}\`` : value);

const plain = (markdown: string) => markdown.replaceAll('`', '');

/** The text in lines of at most `width` characters. A longer word has a line of its own. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
