import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/telemetry/logger.ts';

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

  it('contains no control character that a terminal interprets', () => {
    const [line = ''] = linesOf([], (log) => log.info('a\u009b2Jb\u001b[2J'));
    expect(line.trimEnd()).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(line).msg).toBe('a2Jb\u001b[2J');
  });
});
