import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTokenStore } from '../../../../src/server/auth/token-store.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { makeFolder } from '../../../kit/process/folder.ts';
import { tokenLine } from '../../../kit/process/token.ts';

function start(text: string) {
  const file = join(makeFolder({ tokens: text }), 'tokens');
  const clock = createTestClock();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'debug',
    secrets: [],
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  const tokens = createTokenStore({ file, clock, log });
  const names = () => tokens().map(({ name }) => name);
  /** The names a second later, when the file counts again. */
  const later = () => {
    clock.advance(1000);
    return names();
  };
  return { file, clock, lines, names, later, write: (changed: string) => writeFileSync(file, changed) };
}

describe('the tokens in force', () => {
  it('are those of the file, and a second later those of the changed file', () => {
    const { clock, names, write } = start(tokenLine('ann', 'viewer'));
    expect(names()).toEqual(['ann']);
    write(tokenLine('bob', 'viewer'));
    clock.advance(999);
    expect(names()).toEqual(['ann']);
    clock.advance(1);
    expect(names()).toEqual(['bob']);
  });

  it('follow a change that leaves the size and the time of the file as they were', () => {
    const { file, names, later, write } = start(tokenLine('ann', 'viewer'));
    const { atime, mtime, size } = statSync(file);
    expect(names()).toEqual(['ann']);
    write(tokenLine('bob', 'viewer'));
    utimesSync(file, atime, mtime);
    expect(statSync(file)).toMatchObject({ size, mtime });
    expect(later()).toEqual(['bob']);
  });

  it('are none when the file has become empty', () => {
    const { names, later, write } = start(tokenLine('ann', 'viewer'));
    expect(names()).toEqual(['ann']);
    write('');
    expect(later()).toEqual([]);
  });

  it.each([
    ['has a fault', (file: string) => writeFileSync(file, `${tokenLine('bob', 'viewer')}half a li`)],
    ['is gone', (file: string) => rmSync(file)],
  ])('are the last good ones while the file %s, which the log tells once', (_, spoil) => {
    const { file, lines, names, later, write } = start(tokenLine('ann', 'viewer'));
    names();
    spoil(file);
    for (let i = 0; i < 3; i++) expect(later()).toEqual(['ann']);
    expect(lines).toEqual([expect.objectContaining({ level: 50, msg: expect.stringMatching(/^AUTH_TOKENS_FILE/) })]);
    write(tokenLine('cem', 'admin'));
    expect(later()).toEqual(['cem']);
    spoil(file);
    later();
    expect(lines).toHaveLength(2); // It was well in between: this is another time.
  });
});
