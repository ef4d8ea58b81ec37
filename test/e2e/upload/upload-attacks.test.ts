import { describe, expect, it } from 'vitest';
import { startTarget } from '../../kit/attack/attack.ts';
import { exchange, openWire } from '../../kit/client/raw-http.ts';
import { BOUNDARY, filePart, formOf, headOf, openForm, partsOf, trainingLines } from '../../kit/client/upload.ts';

const MIB = 1024 * 1024;
const CLOSE = 'Connection: close\r\n';
const KINDS = { ALLOW_MUTATIONS: 'on', MAX_UPLOAD_MB: '8' };

const LONG_LINE = formOf(...partsOf(), filePart(Buffer.alloc(8 * MIB, 'x')));
const ALMOST = formOf(
  ...partsOf({ purpose: 'ASSISTANTS' }),
  filePart(`\r\n--${BOUNDARY.slice(0, -1)}`.repeat(100_000)),
);
const BEGUN = openForm(...partsOf(), filePart(trainingLines(5000)));
const MANY = formOf(...partsOf(), ...Array.from({ length: 1000 }, () => filePart('x')));
const DEEP = formOf(partsOf()[0], { name: 'map', content: '['.repeat(MIB) }, filePart('x'));

const whole = (form: Buffer, status: number) => async (url: string) => {
  const answers = await exchange(url, headOf(form.length, CLOSE), form);
  expect(answers.map((answer) => answer.status)).toEqual([status]);
};

const left = async (url: string) => {
  await using wire = await openWire(url);
  wire.write(headOf(7 * MIB), BEGUN);
  await wire.drained();
};

const announced = async (url: string) => {
  await using wire = await openWire(url);
  wire.write(headOf(600 * MIB, CLOSE), BEGUN);
  await wire.said(/^HTTP\/1.1 413/);
};

describe('an upload', () => {
  it.each<[string, (url: string) => Promise<void>]>([
    ['of one line of 8 MiB', whole(LONG_LINE, 200)],
    ['of almost nothing but almost boundaries', whole(ALMOST, 200)],
    ['of 1,000 files', whole(MANY, 400)],
    ['with a map of a million lists', whole(DEEP, 400)],
    ['that its client leaves', left],
    ['of 600 MB, as it announces', announced],
  ])('%s leaves nothing behind, and costs nobody else anything', async (_, attack) => {
    await using target = await startTarget(KINDS);
    await target.survives(() => attack(target.url), { rounds: 6, atOnce: 4 });
  });
});
