import { describe, expect, it } from 'vitest';
import { startAttackedGateway } from '../../kit/attack/attack.ts';
import { exchange, openRawConnection } from '../../kit/client/raw-http.ts';
import { BOUNDARY, filePart, formOf, headOf, partsOf, trainingLines, unclosedForm } from '../../kit/client/upload.ts';

const MIB = 1024 * 1024;
const CLOSE = 'Connection: close\r\n';
const SETTINGS = { ALLOW_MUTATIONS: 'on', MAX_UPLOAD_MB: '8' };

const LONG_LINE = formOf(...partsOf(), filePart(Buffer.alloc(8 * MIB, 'x')));
const NEAR_BOUNDARIES = formOf(
  ...partsOf({ purpose: 'ASSISTANTS' }),
  filePart(`\r\n--${BOUNDARY.slice(0, -1)}`.repeat(100_000)),
);
const PARTIAL = unclosedForm(...partsOf(), filePart(trainingLines(5000)));
const MANY_FILES = formOf(...partsOf(), ...Array.from({ length: 1000 }, () => filePart('x')));
const NESTED_MAP = formOf(partsOf()[0], { name: 'map', content: '['.repeat(MIB) }, filePart('x'));

const sendWhole = (form: Buffer, status: number) => async (url: string) => {
  const responses = await exchange(url, headOf(form.length, CLOSE), form);
  expect(responses.map((response) => response.status)).toEqual([status]);
};

const disconnect = async (url: string) => {
  await using connection = await openRawConnection(url);
  connection.write(headOf(7 * MIB), PARTIAL);
  await connection.drained();
};

const announceTooMuch = async (url: string) => {
  await using connection = await openRawConnection(url);
  connection.write(headOf(600 * MIB, CLOSE), PARTIAL);
  await connection.receivedMatch(/^HTTP\/1.1 413/);
};

describe('an upload', () => {
  it.each<[string, (url: string) => Promise<void>]>([
    ['of one line of 8 MiB', sendWhole(LONG_LINE, 200)],
    ['of text that resembles boundaries', sendWhole(NEAR_BOUNDARIES, 200)],
    ['of 1,000 files', sendWhole(MANY_FILES, 400)],
    ['with a map of a million nested lists', sendWhole(NESTED_MAP, 400)],
    ['whose client disconnects', disconnect],
    ['with a Content-Length of 600 MB', announceTooMuch],
  ])('%s leaves no memory and no connection, and other callers get responses', async (_, attack) => {
    await using attacked = await startAttackedGateway(SETTINGS);
    await attacked.withstands(() => attack(attacked.url), { rounds: 6, atOnce: 4 });
  });
});
