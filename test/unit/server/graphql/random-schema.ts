import {
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  responsePathAsArray,
} from 'graphql';
import { builder } from '../../../../src/schema/core/builder.ts';
import { meterFields } from '../../../../src/schema/core/metered-fields.ts';
import '../../../../src/schema/schema.ts';

const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  Int: [0, -7, 2 ** 31 - 1, 2 ** 40, '12', 'x'],
  Float: [0.5, '1.5', Number.NaN],
  Boolean: [true, false, 0, 'yes'],
  String: ['', 'text', 5, true, {}],
  ID: ['id', 5, 1.5],
};
const OTHER_SAMPLES = [0, 5, 'auto', '2026-10-23', { any: [1] }];

/** Releases the promises of resolvers one after another, in the order of their paths, so that races have one outcome. */
export class Releases {
  /** Starts and ends of root fields, in order. */
  readonly log: string[] = [];
  readonly #pending = new Map<string, () => void>();

  wait(path: string): Promise<void> {
    return new Promise((resolve) => this.#pending.set(path, resolve));
  }

  /** Resolves when `done` does. */
  async run<T>(done: T | Promise<T>): Promise<T> {
    let isDone = false;
    const result = Promise.resolve(done).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise(setImmediate);
      const [path] = [...this.#pending.keys()].sort();
      if (path === undefined) continue;
      if (isRoot(path)) this.log.push(`end ${path}`);
      this.#pending.get(path)?.();
      this.#pending.delete(path);
    }
    return await result;
  }
}

export interface RandomContext {
  readonly seed: number;
  readonly releases: Releases;
}

/** The schema of the gateway with resolvers whose values, errors, nulls and delays depend on seed and path only. */
export function createRandomSchema(): GraphQLSchema {
  const schema = builder.toSchema();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type)) type.resolveType = ({ type: name }) => name;
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    type.isTypeOf = undefined;
    for (const field of Object.values(type.getFields())) {
      if (type === schema.getMutationType()) Object.assign(field, { args: [] }); // No random inputs.
      field.resolve = (_source, args, { seed, releases }: RandomContext, { path, returnType }) => {
        const place = responsePathAsArray(path).join('.');
        if (isRoot(place)) releases.log.push(`start ${place}`);
        const randomOf = createValues(schema, seed, releases);
        const value = randomOf(returnType, `${place} ${JSON.stringify(args)}`);
        if (value instanceof Error && value.message.includes('thrown')) throw value;
        return value;
      };
    }
  }
  meterFields(schema);
  return schema;
}

function createValues(schema: GraphQLSchema, seed: number, releases: Releases) {
  function randomOf(type: GraphQLOutputType, place: string): unknown {
    if (isNonNullType(type)) return randomOf(type.ofType, place);
    const choice = hash(`${seed} ${place}`) % 100;
    if (choice < 6) return null;
    if (choice < 10) return new Error(`thrown at ${place}`);
    if (choice < 12) return new Error(`returned at ${place}`);
    if (choice < 32) return later(type, place);
    if (isListType(type)) {
      if (choice < 35) return 'no list';
      return Array.from({ length: choice % 4 }, (_, index) => randomOf(type.ofType, `${place}.${index}`));
    }
    return isLeafType(type) ? leafOf(type, choice) : { type: objectTypeOf(type, choice) };
  }

  async function later(type: GraphQLOutputType, place: string): Promise<unknown> {
    await releases.wait(place);
    const value = randomOf(type, `${place} later`);
    if (value instanceof Error) throw value;
    return value;
  }

  function objectTypeOf(type: GraphQLNamedType, choice: number): string {
    const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
    return types[choice % types.length]?.name ?? type.name;
  }

  return randomOf;
}

function leafOf(type: GraphQLNamedType, choice: number): unknown {
  const values = isEnumType(type) ? [...type.getValues().map(({ value }) => value), 'unknown'] : SAMPLES[type.name];
  const samples = values ?? OTHER_SAMPLES;
  return samples[choice % samples.length];
}

const isRoot = (path: string) => !/^\w+\./.test(path);

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return (value ^ (value >>> 15)) >>> 0;
}
