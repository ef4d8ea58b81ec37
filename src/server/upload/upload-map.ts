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
import { quoteInput } from '../http/quote-input.ts';

// The part `map` of a multipart request (https://github.com/jaydenseric/graphql-multipart-request-spec).

/** The name of the file's part, and the path of the variable that it replaces. */
export interface UploadTarget {
  readonly partName: string;
  readonly path: readonly [variable: string, ...string[]];
}

const EXPECTED = 'expected one file and one path, such as {"0": ["variables.input.file"]}';

/** Parses the part `map`. Throws an HttpError (400) unless it maps one file to one path. */
export function readMap(map: Buffer): UploadTarget {
  const files = jsonOf(map, 'map');
  if (typeof files !== 'object' || files === null || Array.isArray(files)) throw invalidMap('is not an object');
  const entries = Object.entries(files);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw invalidMap(`has ${entries.length} files`);
  const [partName, paths] = entry;
  if (!Array.isArray(paths)) throw invalidMap('has no list of paths');
  if (paths.length !== 1) throw invalidMap(`has ${paths.length} paths for the file`);
  const [text] = paths;
  const [root, variable, ...inner] = typeof text === 'string' ? text.slice(0, MAX_PATH_LENGTH).split('.') : [];
  if (root !== 'variables' || variable === undefined) throw invalidMap('has a path that names no variable');
  return { partName, path: [variable, ...inner] };
}

/**
 * Returns the operation with the file in its variables. Throws an HttpError (400) unless the path has the type `Upload` and
 * the value null.
 */
export function attachFile(
  prepared: Prepared,
  { path }: UploadTarget,
  file: UploadedFile,
  schema: GraphQLSchema,
): Prepared {
  const { params, operation } = prepared;
  const pathText = quoteInput(['variables', ...path].join('.'));
  if (!isUpload(typeAt(path, operation, schema))) {
    throw new HttpError(400, `map: ${pathText} is not a variable of the type Upload; expected its path.`);
  }
  const replace = (value: unknown, [member, ...inner]: readonly string[]): unknown => {
    if (member === undefined) {
      if (value === null) return file;
    } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, member)) {
      return { ...value, [member]: replace(Reflect.get(value, member), inner) };
    }
    throw new HttpError(400, `operations: ${pathText} is not null; expected null in the place of the file.`);
  };
  const variables = replace(params.variables ?? {}, path) as Record<string, unknown>; // A copy of the object with one member replaced.
  return { ...prepared, params: { ...params, variables } };
}

const MAX_PATH_LENGTH = 1000;

const invalidMap = (problem: string) => new HttpError(400, `map: ${problem}; ${EXPECTED}.`);

function typeAt(
  [variable, ...inner]: UploadTarget['path'],
  { variableDefinitions = [] }: OperationDefinitionNode,
  schema: GraphQLSchema,
): GraphQLInputType | undefined {
  const definition = variableDefinitions.find(({ variable: { name } }) => name.value === variable);
  let type = definition && (typeFromAST(schema, definition.type) as GraphQLInputType); // Valid: variables have input types.
  for (const member of inner) {
    const outer = type && getNullableType(type);
    type = isInputObjectType(outer) ? outer.getFields()[member]?.type : undefined;
  }
  return type;
}

const isUpload = (type: GraphQLInputType | undefined) =>
  type !== undefined && String(getNullableType(type)) === 'Upload';
