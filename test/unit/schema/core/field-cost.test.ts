import type { GraphQLField } from 'graphql';
import { describe, expect, it } from 'vitest';
import { fieldCostOf } from '../../../../src/schema/core/field-cost.ts';
import { createSchema } from '../../../../src/schema/schema.ts';
import { fieldsOf } from '../../../kit/isolation/random-query.ts';

const fields = fieldsOf(createSchema()).map(({ type, field }) => ({ name: `${type}.${field.name}`, field }));
const namesOf = (list: typeof fields) => list.map(({ name }) => name).sort();

/** A value of every type: callable, iterable, convertible to a number, with every property. */
const anything: unknown = new Proxy(() => anything, {
  get: (_, name) => (name === 'then' ? undefined : name === Symbol.toPrimitive ? () => 1 : anything),
  apply: () => anything,
});

/** The parts of a context that read or change the upstream. */
const UPSTREAM_PARTS = ['loaders', 'feeds', 'commands'];

/** Calls the resolver and the subscriber of a field, and returns whether they use the upstream. */
function usesUpstream({ extensions }: GraphQLField<unknown, unknown>): boolean {
  const used = new Set<unknown>();
  const viewer = { name: null, role: 'admin' };
  const mutations = { isAllowed: true, audit: { begin: () => {}, end: () => {} } };
  const context = new Proxy({ viewer, mutations } as Record<string | symbol, unknown>, {
    get(parts, part) {
      used.add(part);
      return parts[part] ?? anything;
    },
  });
  // Pothos keeps there how a field was defined, without the wrappers of its plugins.
  const { resolve, subscribe } = Object(extensions['pothosOptions']);
  for (const resolver of [resolve, subscribe]) {
    // The use of the context matters. `anything` is no valid parent, so that the rest may fail.
    if (typeof resolver === 'function') void attempt(() => resolver(anything, anything, context, anything));
  }
  return UPSTREAM_PARTS.some((part) => used.has(part));
}

async function attempt(run: () => unknown): Promise<void> {
  try {
    await run();
  } catch {
    // See above.
  }
}

describe('a field has a cost', () => {
  const costly = fields.filter(({ field }) => fieldCostOf(field));

  it('when its resolver or subscriber reads or changes the upstream, and only then', () => {
    expect(namesOf(costly)).toEqual(namesOf(fields.filter(({ field }) => usesUpstream(field))));
    expect(costly.length).toBeGreaterThan(25);
  });

  it('when it is a mutation or a subscription', () => {
    const roots = fields.filter(({ name }) => /^(Mutation|Subscription)\./.test(name));
    expect(roots.length).toBeGreaterThan(12);
    expect(namesOf(roots.filter(({ field }) => !fieldCostOf(field)))).toEqual([]);
  });

  it('when it takes an argument', () => {
    const withArguments = fields.filter(({ field }) => field.args.length > 0);
    expect(withArguments.length).toBeGreaterThan(10);
    expect(namesOf(withArguments.filter(({ field }) => !fieldCostOf(field)))).toEqual([]);
  });
});
