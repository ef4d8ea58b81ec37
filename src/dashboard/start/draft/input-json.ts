import { isWithinDepth } from '../../../upstream/json/depth.ts';
import { isObject } from '../../../upstream/json/members.ts';
import { parseJson } from '../../../upstream/json/parse.ts';
import { typeProblem } from '../../../upstream/json/problem.ts';
import type { InputObject } from '../../operations/input-type.ts';
import { INPUT_TYPES } from '../../operations/input-types.ts';

// JSON that a user writes. The gateway rejects a whole request whose variables do not have the types of the schema, so they
// are checked here. Values of the right type, such as numbers within limits, are checked by the gateway.

/** A value of JSON text, or its first problem. */
export type ReadJson = { readonly value: object } | { readonly problem: string };

/** The gateway accepts variables of 50 levels; up to 5 are around such a value. */
const MAX_LEVELS = 45;

/** Reads an object. `example` is part of the problem. */
export function readJsonObject(text: string, example: string): ReadJson {
  if (text.trim() === '') return { problem: `is empty; expected an object such as ${example}` };
  const value = parseJson(text);
  if (value === undefined) return { problem: `is no JSON; expected an object such as ${example}` };
  if (!isObject(value)) return { problem: `${typeProblem(value)}; expected an object such as ${example}` };
  if (!isWithinDepth(value, MAX_LEVELS))
    return { problem: `is nested too deep; expected at most ${MAX_LEVELS} levels` };
  return { value };
}

/** Reads a `GraderInput` of the schema. */
export function readGrader(text: string, example: string): ReadJson {
  const read = readJsonObject(text, example);
  if ('problem' in read) return read;
  const problem = problemOf(read.value, 'GraderInput', '');
  return problem === null ? read : { problem };
}

/** The first problem of a value of a type in SDL, such as `[String!]!`, with the path of the value; null without one. */
function problemOf(value: unknown, type: string, path: string): string | null {
  if (type.endsWith('!')) {
    const nullable = type.slice(0, -1);
    return value === null ? at(path, `is null; expected ${nounOf(nullable)}`) : problemOf(value, nullable, path);
  }
  if (value === null) return null;
  if (type.startsWith('[')) {
    const itemType = type.slice(1, -1);
    if (!Array.isArray(value)) return at(path, `${typeProblem(value)}; expected a list`);
    return firstProblem(value.map((item, index) => () => problemOf(item, itemType, join(path, String(index)))));
  }
  const known = INPUT_TYPES[type];
  if (known === undefined) {
    return isScalar(value, type) ? null : at(path, `${typeProblem(value)}; expected ${nounOf(type)}`);
  }
  if (isInputObject(known)) return objectProblem(value, known, path);
  if (typeof value === 'string' && known.includes(value)) return null;
  const problem = typeof value === 'string' ? 'is unknown' : typeProblem(value);
  return at(path, `${problem}; expected ${nounOf(type)}`);
}

const isInputObject = (type: InputObject | readonly string[]): type is InputObject => !Array.isArray(type);

function objectProblem(value: unknown, { isOneOf, fields, required }: InputObject, path: string): string | null {
  if (!isObject(value)) return at(path, `${typeProblem(value)}; expected an object`);
  const names = Object.keys(value);
  const listed = Object.keys(fields).join(', ');
  if (isOneOf && (names.length !== 1 || value[names[0] ?? ''] === null)) {
    return at(path, `has ${names.length} member${names.length === 1 ? '' : 's'}; expected exactly one of ${listed}`);
  }
  const unknown = names.find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) return at(join(path, unknown), `is unknown; expected one of ${listed}`);
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return at(join(path, missing), `is missing; expected ${nounOf(fields[missing] ?? '')}`);
  return firstProblem(names.map((name) => () => problemOf(value[name], fields[name] ?? '', join(path, name))));
}

function firstProblem(checks: readonly (() => string | null)[]): string | null {
  for (const check of checks) {
    const problem = check();
    if (problem !== null) return problem;
  }
  return null;
}

function isScalar(value: unknown, type: string): boolean {
  switch (type) {
    case 'String':
      return typeof value === 'string';
    case 'ID':
      return typeof value === 'string' || Number.isSafeInteger(value);
    case 'Float':
      return Number.isFinite(value);
    default:
      return true; // JSON.
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  String: 'a string',
  ID: 'an id, such as gpt-4.1-mini',
  Float: 'a number',
  JSON: 'a JSON value',
};

function nounOf(type: string): string {
  const name = type.replaceAll(/[[\]!]/g, '');
  if (type.startsWith('[')) return 'a list';
  const known = INPUT_TYPES[name];
  if (known === undefined) return NOUNS[name] ?? name;
  return isInputObject(known) ? 'an object' : `one of ${known.join(', ')}`;
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);
const at = (path: string, problem: string) => (path === '' ? problem : `${path}: ${problem}`);
