import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateToken } from '../../../../src/server/auth/token.ts';
import { createTokenStore } from '../../../../src/server/auth/token-store.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { makeFolder } from '../../../kit/process/folder.ts';
import { tokenLine } from '../../../kit/process/token.ts';

/** Time between two reads of the file, in milliseconds. */
const READ_MS = 1000;
/** A clock that is ahead of the file system: at each read, the last change of the file is old. */
const LATER = 10_000;
/** A clock whose first read after `READ_MS` is at the time of the file system: changes are recent. */
const RECENT = -READ_MS;

function start(text: string, aheadMs = LATER, path = join(makeFolder({ tokens: text }), 'tokens')) {
  const clock = createTestClock(Date.now() + aheadMs); // The file system has the real time.
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'debug',
    secrets: [],
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  const tokens = createTokenStore({ file: path, clock, log });
  const names = () => tokens().map(({ name }) => name);
  names();
  /** The names after this time. */
  const namesAfter = (ms: number) => {
    clock.advance(ms);
    return names();
  };
  return { file: path, clock, lines, tokens, names, namesAfter, write: (text: string) => writeFileSync(path, text) };
}

/** Puts something else into the place of a file. */
const replaceBy = (make: (file: string) => void) => (file: string) => {
  rmSync(file);
  make(file);
};

const ANN = tokenLine('ann', 'viewer');
const BOB = tokenLine('bob', 'viewer');
const CEM = tokenLine('cem', 'admin');

describe('the valid tokens', () => {
  it('are those of the file: a new line is valid, and a deleted one invalid, one second after the change', () => {
    const { names, namesAfter, write } = start(ANN + BOB);
    expect(names()).toEqual(['ann', 'bob']);
    write(BOB + CEM);
    expect(namesAfter(READ_MS - 1)).toEqual(['ann', 'bob']);
    expect(namesAfter(1)).toEqual(['bob', 'cem']);
  });

  it('follow a change that keeps the size and the time of the file', () => {
    const { file, namesAfter, write } = start(ANN);
    const { atime, mtime, size } = statSync(file);
    write(BOB);
    utimesSync(file, atime, mtime);
    expect(statSync(file)).toMatchObject({ size, mtime });
    expect(namesAfter(READ_MS)).toEqual(['bob']);
  });

  it('have another role or another token at once when the line has: a changed line is complete', () => {
    const token = generateToken();
    const { tokens, clock, write } = start(tokenLine('ann', 'admin', token) + BOB, RECENT);
    const [, oldBob] = tokens();
    write(tokenLine('ann', 'viewer', token) + tokenLine('bob', 'viewer'));
    clock.advance(READ_MS);
    expect(tokens()).toMatchObject([
      { name: 'ann', role: 'viewer' },
      { name: 'bob', role: 'viewer' },
    ]);
    expect(tokens()[1]?.digest).not.toEqual(oldBob?.digest);
  });

  it.each([
    ['empty', (file: string) => writeFileSync(file, '')],
    ['half a file', (file: string) => writeFileSync(file, ANN)],
    ['half a line', (file: string) => writeFileSync(file, ANN + BOB.slice(0, 40))],
    ['deleted', (file: string) => rmSync(file)],
  ])(
    'remain while a file is written: a file that has just become %s is read again, and nothing is logged',
    (_, damage) => {
      const { file, lines, names, namesAfter, write } = start(ANN + BOB + CEM, RECENT);
      damage(file);
      expect(namesAfter(READ_MS).toSorted()).toEqual(['ann', 'bob', 'cem']);
      write(ANN + BOB + CEM);
      expect(namesAfter(READ_MS)).toEqual(['ann', 'bob', 'cem']);
      expect(names()).toEqual(['ann', 'bob', 'cem']);
      expect(lines).toEqual([]);
    },
  );

  it('are read again half a second later while a removed one is in force, and it is invalid then', () => {
    const { names, namesAfter, write } = start(ANN + BOB, RECENT);
    write(BOB + CEM);
    expect(namesAfter(READ_MS)).toEqual(['ann', 'bob', 'cem']);
    expect(namesAfter(499)).toEqual(['ann', 'bob', 'cem']);
    expect(namesAfter(READ_MS)).toEqual(['bob', 'cem']);
    expect(names()).toEqual(['bob', 'cem']);
  });

  it('lose a deleted line within two seconds more, also while the file changes all the time', () => {
    const { file, clock, names, namesAfter, write } = start(ANN + BOB, RECENT - LATER);
    write(BOB);
    clock.advance(READ_MS);
    for (let waitedMs = 0; waitedMs < 2000; waitedMs += 500) {
      expect(names()).toContain('ann');
      appendFileSync(file, '# a comment\n');
      clock.advance(500);
    }
    expect(namesAfter(0)).toEqual(['bob']);
  });

  it('are the tokens on valid lines: an invalid line revokes its caller, and is logged with its number', () => {
    const token = generateToken();
    const { lines, namesAfter, write } = start(ANN + BOB);
    const faulty = `${ANN}bob viewer ${token}\n${CEM}`;
    write(faulty);
    for (let reads = 0; reads < 3; reads++) expect(namesAfter(READ_MS)).toEqual(['ann', 'cem']);
    expect(lines).toEqual([
      {
        level: 50,
        time: expect.any(Number),
        file: expect.any(String),
        problems: ["line 2: SHA256 is invalid; expected the token's SHA-256 in 64 hex digits"],
        msg: 'AUTH_TOKENS_FILE is invalid; only the tokens on its valid lines are accepted',
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain(token);
    write(ANN + BOB + CEM);
    expect(namesAfter(READ_MS)).toEqual(['ann', 'bob', 'cem']);
    write(faulty);
    namesAfter(READ_MS);
    expect(lines).toHaveLength(2); // The file was valid in between: this is a new problem.
  });

  it.each<[string, string, (file: string) => void]>([
    ['is deleted', 'writes', replaceBy(() => {})],
    ['is empty', '', (file) => writeFileSync(file, '')],
    ['is a directory', '(it is a directory)', replaceBy((file) => mkdirSync(file))],
    ['is a FIFO', '(it is a FIFO)', replaceBy((file) => execFileSync('mkfifo', [file]))],
    ['is a device without an end', '(it is a device)', replaceBy((file) => symlinkSync('/dev/zero', file))],
    ['is a dangling link', 'writes', replaceBy((file) => symlinkSync('nothing', file))],
    ['is a link to itself', '(ELOOP)', replaceBy((file) => symlinkSync(file, file))],
    ['is too large', '(it is larger than 1048576 bytes)', (file) => writeFileSync(file, BOB.repeat(15_000))],
  ])('are none when the file %s, which is logged once, until it is valid again', (_, problem, damage) => {
    const { file, lines, namesAfter, write } = start(ANN);
    damage(file);
    for (let reads = 0; reads < 3; reads++) expect(namesAfter(READ_MS)).toEqual([]);
    const line = { level: 50, file, problems: [expect.stringContaining(problem)] };
    expect(lines).toMatchObject(problem === '' ? [] : [line]);
    rmSync(file, { recursive: true, force: true });
    write(BOB);
    expect(namesAfter(READ_MS)).toEqual(['bob']);
  });

  it('follow a swapped symbolic link, as Kubernetes updates a secret, at once', () => {
    const folder = makeFolder({ 'v1/tokens': ANN + BOB, 'v2/tokens': BOB + CEM });
    symlinkSync('v1', join(folder, 'data'));
    symlinkSync('data/tokens', join(folder, 'tokens'));
    const { names, namesAfter, lines } = start('', LATER, join(folder, 'tokens'));
    expect(names()).toEqual(['ann', 'bob']);
    symlinkSync('v2', join(folder, 'data-new'));
    renameSync(join(folder, 'data-new'), join(folder, 'data'));
    expect(namesAfter(READ_MS)).toEqual(['bob', 'cem']);
    expect(lines).toEqual([]);
  });

  it('have a new name when a line is renamed, which is logged, because the name is the identity of a caller', () => {
    const token = generateToken();
    const { lines, namesAfter, write } = start(tokenLine('ann', 'operator', token));
    write(tokenLine('anna', 'operator', token));
    expect(namesAfter(READ_MS)).toEqual(['anna']);
    expect(lines).toMatchObject([{ level: 40, from: 'ann', to: 'anna', msg: expect.stringMatching(/^a token has/) }]);
  });
});
