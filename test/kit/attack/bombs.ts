// Small documents that would be costly to validate or execute without limits.

export const many = (count: number, write: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => write(index)).join(' ');

export const nested = (depth: number, fields: readonly string[]) => {
  const names = Array.from({ length: depth }, (_, index) => fields[index % fields.length]);
  return `{ ${names.join(' { ')} ${'}'.repeat(depth)}`;
};

/** The loss curves of all jobs, `count` times: the most costly query of the schema. */
export const curves = (count: number) =>
  `{ ${many(count, (i) => `a${i}: fineTuningJobs(first: 100) { edges { node { metrics(maxPoints: 16) { totalPoints } } } }`)} }`;

/** One job `count` times: validation compares each pair of its fields. Invalid at its end. */
export const pairs = (count: number) =>
  `{ ${many(count, () => 'fineTuningJob(id: "1") { id status seed suffix events { edges { node { id } } } }')} unknown }`;

const chain = (length: number, step: (next: string) => string, last: string) =>
  `{ ...F0 } ${many(length, (i) => `fragment F${i} on Query { ${step(`...F${i + 1}`)} }`)} fragment F${length} on Query { ${last} }`;

/** Each fragment spreads the next one twice. */
export const doubling = (steps: number) => {
  const branch = (name: string, next: string) => `${name} { edges { node { job { ${next} } } } }`;
  const both = (next: string) => `${branch('events', next)} ${branch('checkpoints', next)}`;
  const fragments = many(steps, (i) => `fragment F${i} on FineTuningJob { ${both(`...F${i + 1}`)} }`);
  return `{ fineTuningJob(id: "1") { ...F0 } } ${fragments} fragment F${steps} on FineTuningJob { id }`;
};

const spreads = (count: number) => many(count, (i) => `fragment F${i} on Query { gateway { f${i} } }`);
const types = many(60, (i) => `fragment F${i} on __Type { ofType { ...F${i + 1} } possibleTypes { ...F${i + 1} } }`);
const nestedFragments = many(400, (i) => `fragment F${i} on T { a { ...F${i + 1} } }`);

/** Each with the limit that it exceeds, the maximum, and the actual value where counting completes. */
export const BOMBS: [name: string, query: string, limit: string, max: number, actual?: number][] = [
  ['aliases', `{ ${many(1600, (i) => `a${i}: __typename`)} }`, 'aliases', 30, 1600],
  ['aliases of a costly field', curves(20), 'cost', 5000],
  ['one field, repeated', `{ ${'gateway { version } '.repeat(1000)} }`, 'overlaps', 100, 1000],
  ['nested fields, repeated', `{ ${`gateway { ${'version '.repeat(40)} } `.repeat(40)} }`, 'overlaps', 100, 1600],
  ['fragments in one object', `{ ${many(400, (i) => `...F${i}`)} } ${spreads(400)}`, 'overlaps', 100, 400],
  ['pairs of merged fields', pairs(99), 'comparisons', 25_000],
  [
    'arguments of one name',
    `{ fineTuningJobs(${many(1200, () => 'first: 1')}) { scannedCount } }`,
    'duplicates',
    10,
    1200,
  ],
  ['variables of one name', `query (${many(1200, () => '$v: Int')}) { __typename }`, 'duplicates', 10, 1200],
  [
    'fragments that double introspection',
    `{ __type(name: "A") { ...F0 } } ${types} fragment F60 on __Type { name }`,
    'introspection',
    2,
  ],
  ['fragments that double the fields of a job', doubling(60), 'depth', 15],
  ['directives', `{ __typename ${'@a '.repeat(2000)} }`, 'directives', 50, 2000],
  ['directives on fragments', chain(100, (next) => `${next} @skip(if: false)`, '__typename'), 'directives', 50, 100],
  ['tokens', `{ ${'a '.repeat(300_000)} }`, 'tokens', 5000],
  ['unclosed fields', '{a'.repeat(300_000), 'tokens', 5000],
  ['depth', nested(1600, ['a']), 'depth', 15, 1600],
  ['depth through fragments', `{ ...F0 } ${nestedFragments} fragment F400 on T { a }`, 'depth', 15, 401],
  ['nested introspection', nested(14, ['__schema', 'types', 'fields', 'type']), 'introspection', 2],
  ['repeated introspection', `{ ${many(40, (i) => `a${i}: __schema { types { name } }`)} }`, 'aliases', 30, 40],
];

/** Circular fragments. */
export const CIRCLES: [through: string, query: string][] = [
  ['itself', '{ ...F } fragment F on Query { ...F }'],
  ['itself in a field', '{ ...F } fragment F on Query { gateway { ...F } }'],
  ['400 others in one circle', chain(400, (next) => `${next} __typename`, '...F0')],
  [
    '400 others in many circles',
    `{ ...F0 } ${many(400, (i) => `fragment F${i} on Query { ...F${(i + 1) % 400} ...F${(i * 7) % 400} }`)}`,
  ],
];
