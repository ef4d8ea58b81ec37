import fc from 'fast-check';
import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../../src/config/config.ts';
import { readExampleTabs } from '../../../../src/server/graphiql/example-tabs.ts';
import { measureDocument } from '../../../../src/server/limits/document-shape.ts';
import { MAX_FIELDS } from '../../../../src/server/limits/field-collector.ts';
import { findViolation } from '../../../../src/server/limits/limit-check.ts';
import { exampleDocuments } from '../../../kit/process/documents.ts';

const measure = (text: string) => measureDocument(parse(text));
const many = (count: number, write: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join(' ');

describe('the shape of a document', () => {
  it('has the depth of the deepest field, through both kinds of fragments', () => {
    expect(measure('{ a { b { c } } d }').depth).toBe(3);
    expect(measure('{ ... { a { ... on T { b } } } }').depth).toBe(2);
    expect(measure('{ a { ...F } } fragment F on T { b { ...G } } fragment G on T { c }').depth).toBe(3);
  });

  it('counts an alias at each place of the response where it renames a field', () => {
    expect(measure('{ x: a y: a a: a b }').aliases).toBe(2);
    expect(measure('{ a { ...F } b { ...F } } fragment F on T { x: c y: c }').aliases).toBe(4);
    expect(measure('{ x: a x: a ... { x: a } }').aliases).toBe(1);
  });

  it('has the merged root fields of its largest operation', () => {
    expect(measure('{ a b ...F } fragment F on Query { b c } query Other { a }').rootFields).toBe(3);
    expect(measure('{ a { b c d e } }').rootFields).toBe(1);
  });

  it('counts the directives of all locations', () => {
    const text = 'query ($v: Int @d) @d { a @d @d { ...F @d ... @d { b } } } fragment F on T @d { c @d }';
    expect(measure(text)).toMatchObject({ directives: 8, directivesTogether: 2 });
  });

  it('counts nested lists of types in introspection only, and excludes introspection from the depth', () => {
    expect(measure('{ __schema { types { fields { type { fields { name } } } } } }')).toMatchObject({
      introspectionLists: 3,
      introspectionDepth: 6,
      depth: 0,
    });
    expect(measure('{ fields { types { fields { interfaces { name } } } } }')).toMatchObject({
      introspectionLists: 0,
      depth: 5,
    });
  });

  it('counts as overlaps how often one object selects a field or a fragment', () => {
    expect(measure('{ a a a }').overlaps).toBe(3);
    expect(measure('{ a { b b } a { b b } ... { a { b b } } }').overlaps).toBe(6);
    expect(
      measure('{ ...F ...G ...H } fragment F on T { a } fragment G on T { b } fragment H on T { c }').overlaps,
    ).toBe(3);
  });

  it('counts the pairs of merged fields, and of fragments in one object', () => {
    expect(measure('{ a a a }').comparisons).toBe(3);
    expect(measure('{ a { b b } a { b b } }').comparisons).toBe(1 + 6);
    expect(measure('{ ...F ...G a } fragment F on T { a } fragment G on T { b }').comparisons).toBe(1 + 1);
  });

  it('counts the arguments of one name at one field, and the variables of one name', () => {
    expect(measure('{ a(x: 1, y: 2) b(x: 1) }').duplicates).toBe(1);
    expect(measure('{ a(x: 1, y: 2, x: 3, x: 4) b(x: 1) }').duplicates).toBe(3);
    expect(measure('query ($v: Int, $v: Int) { a(x: 1) }').duplicates).toBe(2);
  });

  it('includes unused fragments, except in the root fields', () => {
    const shape = measure(`{ a } fragment F on T { ${many(30, (i) => `x${i}: b`)} c { d { e } } }`);
    expect(shape).toMatchObject({ aliases: 30, depth: 3, rootFields: 1 });
  });

  it('includes both of two fragments with one name', () => {
    expect(measure('{ ...F } fragment F on T { a { b { c } } } fragment F on T { a }').depth).toBe(3);
  });
});

describe('circular fragments', () => {
  it.each([
    '{ ...F } fragment F on T { ...F }',
    '{ ...F } fragment F on T { a { ...G } } fragment G on T { b ...H } fragment H on T { ... { c { ...F } } }',
    '{ a } fragment F on T { ...G } fragment G on T { ...F }',
    `{ ...F0 } ${many(400, (i) => `fragment F${i} on T { ...F${(i + 1) % 400} ...F${(i * 7) % 400} }`)}`,
  ])('are found: %#', (text) => {
    expect(measure(text).circular).toBeDefined();
  });

  it.each([
    '{ ...F ...F } fragment F on T { a }',
    '{ ...F ...G } fragment F on T { ...H } fragment G on T { ...H ...F } fragment H on T { a ...None }',
  ])('are not reported for a diamond: %#', (text) => {
    expect(measure(text).circular).toBeUndefined();
  });
});

describe('an attack', () => {
  const chain = (length: number, step: (next: string) => string) =>
    `{ ...F0 } ${many(length, (i) => `fragment F${i} on T { ${step(`...F${i + 1}`)} }`)} fragment F${length} on T { z }`;

  it('that spreads a fragment repeatedly in one object counts it once', () => {
    const shape = measure(chain(300, (next) => `${next} ${next} ${next}`));
    expect(shape.fields).toBeLessThan(1000);
  });

  it.each([
    ['aliases', (next: string) => `x: a { ${next} } y: a { ${next} }`],
    ['fields', (next: string) => `a { ${next} } b { ${next} } c { ${next} }`],
  ])('that doubles %s in nested fragments stops at the limit', (_, step) => {
    const shape = measure(chain(200, step));
    expect(shape.fields).toBeGreaterThan(MAX_FIELDS);
    expect(shape.fields).toBeLessThan(MAX_FIELDS + 10);
  });

  it('of nested fields takes no recursion', () => {
    const depth = 50_000;
    // Built by hand, because the parser recurses.
    const document = parse('{ a }');
    const [operation] = document.definitions;
    if (operation?.kind !== 'OperationDefinition') throw new Error('the document has no operation');
    const { selectionSet } = operation;
    let inner = selectionSet;
    const [field] = selectionSet.selections;
    if (field?.kind !== 'Field') throw new Error('the operation has no field');
    for (let i = 1; i < depth; i++) inner = { ...selectionSet, selections: [{ ...field, selectionSet: inner }] };
    const shape = measureDocument({ ...document, definitions: [{ ...operation, selectionSet: inner }] });
    expect(shape.depth).toBeGreaterThanOrEqual(MAX_FIELDS);
  });
});

/** A selection set as text, once with inline fragments and once with fragment definitions. */
interface Written {
  readonly inline: string;
  readonly spread: string;
  readonly definitions: readonly string[];
}

const { set } = fc.letrec<{ set: Written; selection: Written }>((tie) => ({
  set: fc.array(tie('selection'), { minLength: 1, maxLength: 4 }).map((parts) => ({
    inline: `{ ${parts.map(({ inline }) => inline).join(' ')} }`,
    spread: `{ ${parts.map(({ spread }) => spread).join(' ')} }`,
    definitions: parts.flatMap(({ definitions }) => definitions),
  })),
  selection: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom('a', 'b', 'x: a', 'y: b @d').map((text) => ({ inline: text, spread: text, definitions: [] })),
    fc.tuple(fc.constantFrom('a', 'c', 'x: c', 'fields', '__schema'), tie('set')).map(([name, inner]) => ({
      inline: `${name} ${inner.inline}`,
      spread: `${name} ${inner.spread}`,
      definitions: inner.definitions,
    })),
    fc.tuple(fc.uuid(), tie('set')).map(([id, inner]) => {
      const name = `F${id.replaceAll('-', '')}`;
      return {
        inline: `... on T ${inner.inline}`,
        spread: `...${name}`,
        definitions: [...inner.definitions, `fragment ${name} on T ${inner.spread}`],
      };
    }),
  ),
}));

describe('any document', () => {
  it('with fragment definitions has the same shape as with inline fragments', () => {
    fc.assert(
      fc.property(set, ({ inline, spread, definitions }) => {
        const { overlaps: _, comparisons: _c, ...whole } = measure(inline);
        const { overlaps: __, comparisons: __c, ...parts } = measure(`${spread} ${definitions.join(' ')}`);
        expect(parts).toEqual(whole);
      }),
    );
  });

  it('is measured without an error and in bounded time, whatever it spreads', () => {
    const name = fc.constantFrom('A', 'B', 'C', 'D');
    const body = fc.array(
      fc.oneof(
        name.map((name) => `...${name}`),
        fc.tuple(fc.constantFrom('a', 'x: a', 'b'), name).map(([field, name]) => `${field} { ...${name} z }`),
        fc.constant('z @d'),
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(body, fc.array(fc.tuple(name, body), { maxLength: 6 }), (root, fragments) => {
        const definitions = fragments.map(([name, body]) => `fragment ${name} on T { ${body.join(' ')} }`);
        const shape = measure(`{ ${root.join(' ')} } ${definitions.join(' ')}`);
        expect(shape.fields).toBeLessThan(MAX_FIELDS + 10);
      }),
    );
  });
});

describe('the default limits', () => {
  const { limits } = readConfig({});

  it("are far above GraphiQL's introspection, its tabs and the README's queries", async () => {
    const half = { ...limits, depth: limits.depth / 1.5, aliases: 15, directives: 25, rootFields: 10 };
    const tabs = await readExampleTabs({ jobId: 'ftjob-1', fileId: 'file-1' });
    const texts = [...tabs.map(({ query }) => query), ...exampleDocuments()];
    for (const text of [...texts, getIntrospectionQuery({ typeDepth: 13, inputValueDeprecation: true })]) {
      expect(findViolation(parse(text), half), text).toBeNull();
    }
  });
});
