import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTerminalDestination } from '../../../src/telemetry/terminal-destination.ts';
import { createTerminal } from '../../kit/process/terminal.ts';

/** C0, C1, bidi controls, zero-width characters, a line separator and a tag. */
const UNSAFE = '\u001b[2J\u009b2J\u202e\u2066\u200b\u200f\ufeff\u2028\u{e0041}';

function linesOf(secrets: string[], write: (log: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  write(createLogger({ level: 'trace', secrets, destination: { write: (line) => void lines.push(line) } }));
  return lines;
}

describe('the log', () => {
  it('redacts a secret in any member of a line', () => {
    const [line = ''] = linesOf(['open-sesame'], (log) =>
      log.info({ 'x-open-sesame': ['open-sesame'] }, 'message with open-sesame'),
    );
    expect(line).not.toContain('open-sesame');
    expect(JSON.parse(line)).toMatchObject({ 'x-[secret]': ['[secret]'], msg: 'message with [secret]' });
  });

  it('does not redact a short placeholder key', () => {
    const [line = ''] = linesOf(['3', 'level'], (log) => log.info('3 levels'));
    expect(JSON.parse(line)).toMatchObject({ level: 30, msg: '3 levels' });
  });

  it('escapes the characters that a terminal interprets or hides, so that a parser restores them', () => {
    const text = `a${UNSAFE}b \u{1f469}\u200d\u{1f52c} große`;
    const [line = ''] = linesOf([], (log) => log.info({ [text]: [text] }, text));
    expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(line)).toMatchObject({ msg: text, [text]: [text] });
  });

  it('shows these characters as escapes on a terminal: in messages, members and errors', () => {
    const { output, text: written } = createTerminal();
    const log = createLogger({ level: 'info', secrets: [], destination: createTerminalDestination(output) });
    log.info({ path: `/x${UNSAFE}y` }, `sent${UNSAFE}`);
    log.error({ err: new Error(`bad${UNSAFE}`) }, 'internal error');
    const text = written();
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(text).toMatch(
      /sent\\u001b\[2J\\u009b2J\\u202e\\u2066\\u200b\\u200f\\ufeff\\u2028\\udb40\\udc41 \{"path":"\/x\\u001b/,
    );
    expect(text).toMatch(/Error: bad\\u001b\[2J\\u009b2J\\u202e/);
  });
});
