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
  /** The names one second later, when the file is read again. */
  const namesLater = () => {
    clock.advance(1000);
    return names();
  };
  return { file, clock, lines, names, namesLater, write: (text: string) => writeFileSync(file, text) };
}

describe('the valid tokens', () => {
  it('are those of the file, and one second after a change those of the changed file', () => {
    const { clock, names, write } = start(tokenLine('ann', 'viewer'));
    expect(names()).toEqual(['ann']);
    write(tokenLine('bob', 'viewer'));
    clock.advance(999);
    expect(names()).toEqual(['ann']);
    clock.advance(1);
    expect(names()).toEqual(['bob']);
  });

  it('follow a change that keeps the size and the time of the file', () => {
    const { file, names, namesLater, write } = start(tokenLine('ann', 'viewer'));
    const { atime, mtime, size } = statSync(file);
    expect(names()).toEqual(['ann']);
    write(tokenLine('bob', 'viewer'));
    utimesSync(file, atime, mtime);
    expect(statSync(file)).toMatchObject({ size, mtime });
    expect(namesLater()).toEqual(['bob']);
  });

  it('are none when the file becomes empty', () => {
    const { names, namesLater, write } = start(tokenLine('ann', 'viewer'));
    expect(names()).toEqual(['ann']);
    write('');
    expect(namesLater()).toEqual([]);
  });

  it.each([
    ['has an invalid line', (file: string) => writeFileSync(file, `${tokenLine('bob', 'viewer')}half a li`)],
    ['is deleted', (file: string) => rmSync(file)],
  ])('are the previous ones while the file %s, which is logged once', (_, damage) => {
    const { file, lines, names, namesLater, write } = start(tokenLine('ann', 'viewer'));
    names();
    damage(file);
    for (let i = 0; i < 3; i++) expect(namesLater()).toEqual(['ann']);
    expect(lines).toEqual([expect.objectContaining({ level: 50, msg: expect.stringMatching(/^AUTH_TOKENS_FILE/) })]);
    write(tokenLine('cem', 'admin'));
    expect(namesLater()).toEqual(['cem']);
    damage(file);
    namesLater();
    expect(lines).toHaveLength(2); // The file was valid in between, so that this is a new problem.
  });
});
