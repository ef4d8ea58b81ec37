import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as lenient from '../../../../src/upstream/resources/lenient-schema.ts';
import { createLazyReader, createReader } from '../../../../src/upstream/resources/object-reader.ts';

const grader = z.object({ type: z.string(), name: lenient.textOrNull });

/** One member of each kind. */
const shape = {
  id: lenient.identifier,
  time: lenient.timestamp,
  amount: lenient.number,
  step: lenient.stepNumber,
  words: lenient.text,
  status: lenient.nonEmptyText,
  label: lenient.textOrEmpty,
  note: lenient.textOrNull,
  names: lenient.textList,
  data: lenient.jsonOrNull,
  members: lenient.objectOrNull,
  finished: lenient.timestampOrNull,
  day: lenient.dateOrNull,
  ratio: lenient.numberOrNull,
  count: lenient.integerOrNull,
  seed: lenient.int32OrNull,
  progress: lenient.positiveStepOrNull,
  epochs: lenient.intOrAuto,
  rate: lenient.floatOrAuto,
  part: lenient.nullIfInvalid(grader),
  strictPart: lenient.orNull(grader),
  list: lenient.orNull(lenient.firstItems(z.string(), 2)),
  choice: z.enum(['a', 'b']).catch('a'),
};
const schema = z.object(shape);
const readEagerly = createReader(schema);
/** Its optional members accept any value. */
const lazySchema = schema.omit({ strictPart: true, list: true });
const readLazily = createLazyReader(lazySchema);

const valid = { id: 'file-1', time: 1_760_000_000, amount: 1.5, step: 120, words: '', status: 'running' };

const EDGES: readonly unknown[] = [
  ...[0, -0, 1, -1, 1.5, -1.5, 1e8, 1e11, 1e11 - 1, 1e12, 1e13, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2 ** 53, 1e308],
  ...[
    '',
    ' ',
    'auto',
    'b',
    '.',
    '..',
    'a/..',
    'a%41',
    'a\nb',
    'é',
    '\ud800',
    'x'.repeat(512),
    'x'.repeat(513),
    'gpt-4.1',
  ],
  ...['2026-07-23', '2026-07-23T10:00:00Z', '20260723', '2026072319', '1760000000', ' 1760000000 ', '1760000000000'],
  ...[
    '1e400',
    '1.0',
    '1.5',
    '-1',
    '-1.5e3',
    '0x10',
    undefined,
    null,
    true,
    {},
    [],
    [''],
    ['a'],
    ['a', 'a', null, 1, ''],
  ],
  ...[{ type: 'python', name: '' }, { type: 1 }, JSON.parse('{"__proto__": {"type": "a"}}'), ['a', 'b', 'c']],
];
const anyValue = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.double({ min: -1e13, max: 1e13, noNaN: true }).map(String),
  fc.jsonValue(),
);
const anyMembers = fc.dictionary(fc.constantFrom(...Object.keys(shape)), anyValue, { maxKeys: 4 });
/** Bodies of which few members are invalid, and any others. */
const anyBody = fc.oneof(
  anyMembers.map((members) => ({ ...valid, ...members })),
  fc.tuple(anyMembers, fc.constantFrom(...Object.keys(valid))).map(([members, name]) => {
    return Object.fromEntries(Object.entries({ ...valid, ...members }).filter(([other]) => other !== name));
  }),
  fc.jsonValue().map((value) => JSON.parse(`{"__proto__": ${JSON.stringify(value)}, "id": "a"}`)),
  anyValue,
);

/** What `read` returns or throws for a body. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error instanceof z.ZodError ? { issues: error.issues } : error;
  }
}

function expectAsZod(body: unknown): void {
  expect(outcomeOf(() => readEagerly(body))).toStrictEqual(outcomeOf(() => schema.parse(body)));
  const members = () => {
    const object = readLazily(body);
    return Object.fromEntries(lazySchema.keyof().options.map((name) => [name, object[name]]));
  };
  expect(outcomeOf(members)).toStrictEqual(outcomeOf(() => lazySchema.parse(body)));
}

describe('an object that is read without zod', () => {
  it('has every kind of member that the lenient schemas define', () => {
    const defined = Object.values<unknown>(lenient).filter((value) => value instanceof z.ZodType);
    expect(Object.values<unknown>(shape)).toEqual(expect.arrayContaining(defined));
    expect(defined.length).toBeGreaterThan(15);
  });

  it.each(Object.keys(shape))('has the value that zod parses of any value of one member: %s', (name) => {
    for (const value of EDGES) expectAsZod({ ...valid, [name]: value });
  });

  it('equals what zod parses, or fails with the same issues: property', () => {
    fc.assert(fc.property(anyBody, expectAsZod), { numRuns: 3000 });
  });

  it('keeps nothing but the unchanged body when its members are read later', () => {
    const body = { ...valid, names: ['a', 'a'], unknown: { at: 'all' } };
    const object = readLazily(body);
    expect(object.names).toEqual(['a']);
    expect(Object.keys(object)).toEqual(['raw']);
    expect(object.raw).toBe(body);
  });
});
