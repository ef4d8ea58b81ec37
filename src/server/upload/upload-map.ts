import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import type { UploadedFile } from '../../schema/core/upload-value.ts';
import { jsonOf } from '../graphql/params.ts';
import type { Prepared } from '../graphql/prepare.ts';
import { HttpError } from '../http/http-error.ts';

// Where the file of a multipart request goes (https://github.com/jaydenseric/graphql-multipart-request-spec).

/** The name of the file's part, and the members of the variables that lead to its place. */
export interface UploadTarget {
  readonly part: string;
  readonly members: readonly [variable: string, ...string[]];
}

const EXAMPLE = '{"0": ["variables.input.file"]}';

/** Reads the part `map`. Throws a Refusal (400) unless it names one file and one place for it. */
export function readMap(map: Buffer): UploadTarget {
  const files = jsonOf(map, 'map');
  if (typeof files !== 'object' || files === null || Array.isArray(files))
    throw refused(`an object such as ${EXAMPLE}`);
  const [file, ...others] = Object.entries(files);
  if (file === undefined || others.length > 0) throw refused(`one file, got ${others.length + (file ? 1 : 0)}`);
  const [part, places] = file;
  if (!Array.isArray(places) || places.length !== 1) throw refused('one place for the file, in a list');
  const [place] = places;
  const [root, variable, ...inner] = typeof place === 'string' ? place.slice(0, MAX_PLACE_LENGTH).split('.') : [];
  if (root !== 'variables' || variable === undefined) throw refused('a place such as variables.input.file');
  return { part, members: [variable, ...inner] };
}

const MAX_PLACE_LENGTH = 1000;

const refused = (expected: string) => new HttpError(400, `map: expected ${expected}.`);

/**
 * The operation with the file in its place among the variables. Throws a Refusal (400) unless that has the type `Upload`,
 * and null stands there.
 */
export function attachFile(
  prepared: Prepared,
  { members }: UploadTarget,
  file: UploadedFile,
  schema: GraphQLSchema,
): Prepared {
  const { params, operation } = prepared;
  if (!isUpload(typeAt(members, operation, schema))) throw refused('the place of a variable of the type Upload');
  const put = (value: unknown, [member, ...inner]: readonly string[]): unknown => {
    if (member === undefined) {
      if (value === null) return file;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, member)) {
      return { ...value, [member]: put(Reflect.get(value, member), inner) };
    }
    throw new HttpError(400, `operations: expected null at ${['variables', ...members].join('.')}.`);
  };
  const variables = put(params.variables ?? {}, members) as Record<string, unknown>; // As it was, with one member replaced.
  return { ...prepared, params: { ...params, variables } };
}

function typeAt(
  [variable, ...inner]: UploadTarget['members'],
  { variableDefinitions = [] }: OperationDefinitionNode,
  schema: GraphQLSchema,
): GraphQLInputType | undefined {
  const definition = variableDefinitions.find(({ variable: { name } }) => name.value === variable);
  let type = definition && (typeFromAST(schema, definition.type) as GraphQLInputType); // Valid: it is one of input.
  for (const member of inner) {
    const outer = type && getNullableType(type);
    type = isInputObjectType(outer) ? outer.getFields()[member]?.type : undefined;
  }
  return type;
}

const isUpload = (type: GraphQLInputType | undefined) =>
  type !== undefined && String(getNullableType(type)) === 'Upload';
