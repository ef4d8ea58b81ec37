import { buffer } from 'node:stream/consumers';
import { type GraphQLField, type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql';
import type { Role } from '../../../src/request/viewer.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import { fileBody } from '../bodies/file.ts';
import { jobBody } from '../bodies/job.ts';
import { trainingLines } from '../client/upload.ts';
import type { GraphqlResponse } from '../gateway/gateway.ts';
import { type ScriptedUpstream, writeResponse } from '../gateway/upstream.ts';

/** A valid use of a mutation toward a writable upstream. */
export interface Example {
  /** The role that the mutation needs. */
  readonly role: Role;
  readonly input: Readonly<Record<string, unknown>>;
  /** The id in the audit record of a success; undefined when the mutation affects nothing with an id. */
  readonly id?: string;
  /** The id in the audit record of a failure: the one that the input names. */
  readonly inputId?: string;
}

const MODEL = 'ft:gpt-4.1-mini:org::1';
const GRADER = { stringCheck: { name: 'same', input: 'a', reference: 'b', operation: 'EQ' } };
const JUDGE = { name: 'judge', modelId: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Judge.' }] };
const ofJob = { role: 'operator', input: { jobId: 'ftjob-1' }, id: 'ftjob-1', inputId: 'ftjob-1' } as const;

/** One example per mutation of the schema. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  createFineTuningJob: {
    role: 'operator',
    input: { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1', validationFileId: 'file-2', idempotencyKey: 'a-key' },
    id: 'ftjob-made',
  },
  cancelFineTuningJob: ofJob,
  pauseFineTuningJob: ofJob,
  resumeFineTuningJob: ofJob,
  uploadFile: { role: 'operator', input: { file: null, filename: 'train.jsonl' }, id: 'file-made' },
  deleteFile: { role: 'operator', input: { fileId: 'file-1' }, id: 'file-1', inputId: 'file-1' },
  deleteModel: { role: 'admin', input: { modelId: MODEL }, id: MODEL, inputId: MODEL },
  createCheckpointPermissions: {
    role: 'admin',
    input: { fineTunedModelId: MODEL, projectIds: ['proj_1'] },
    id: MODEL,
    inputId: MODEL,
  },
  deleteCheckpointPermission: {
    role: 'admin',
    input: { fineTunedModelId: MODEL, permissionId: 'cp_1' },
    id: 'cp_1',
    inputId: 'cp_1',
  },
  validateGrader: { role: 'operator', input: { grader: { scoreModel: JUDGE } } },
  runGrader: { role: 'operator', input: { grader: GRADER, modelSample: 'a' } },
};

/** Executes a mutation; sends a file when the input has the field `file`. */
export async function mutate(url: string, authorization: string, name: string, input: object) {
  const operation = JSON.stringify({ query: mutationDocument(name), variables: { input } });
  const form = new FormData();
  form.append('operations', operation);
  form.append('map', '{"0":["variables.input.file"]}');
  form.append('0', new Blob([trainingLines(10)]), 'train.jsonl');
  const init =
    'file' in input
      ? { headers: { authorization, 'graphql-require-preflight': '1' }, body: form }
      : { headers: { authorization, 'content-type': 'application/json' }, body: operation };
  const response = await fetch(url, { method: 'POST', ...init });
  const { data, errors } = (await response.json()) as GraphqlResponse; // The form of every GraphQL response.
  return { outcome: data?.[name], errors, requestId: response.headers.get('x-request-id') };
}

/** The mutations of the schema by name. */
export function mutationFields(): Readonly<Record<string, GraphQLField<unknown, unknown>>> {
  return createSchema().getMutationType()?.getFields() ?? {};
}

/** The name of a mutation as the prefix of its types. */
export const capitalized = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** The document that executes a mutation; selects the fields that every mutation has. */
export function mutationDocument(name: string, operation = capitalized(name)): string {
  const input = inputOf(name);
  return `mutation ${operation}($input: ${input.name}!) { ${name}(input: $input) { __typename ... on Error { message code } } }`;
}

export function inputOf(name: string) {
  const type = mutationFields()[name]?.args.find((argument) => argument.name === 'input')?.type;
  const input = type && getNamedType(type);
  if (!isInputObjectType(input)) throw new Error(`${name}: expected an input object`);
  return input;
}

/** A position in an input: names of fields, and indices in lists. */
export type InputPath = readonly string[];

/** The positions of all ids in the example of a mutation. */
export function idPaths(name: string): InputPath[] {
  return pathsIn(inputOf(name), EXAMPLES[name]?.input, []);
}

function pathsIn(type: GraphQLInputType, value: unknown, path: InputPath): InputPath[] {
  if (value == null) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => pathsIn(type, item, [...path, String(index)]));
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named.name === 'ID' ? [path] : [];
  const fields = Object.values(named.getFields());
  return fields.flatMap((field) => pathsIn(field.type, Object(value)[field.name], [...path, field.name]));
}

/** Returns a copy of an input with another value at one position. */
export function withValue(input: unknown, [field, ...rest]: InputPath, value: unknown): unknown {
  if (field === undefined) return value;
  const changed = withValue(Object(input)[field], rest, value);
  return Array.isArray(input) ? input.with(Number(field), changed) : Object.assign({}, input, { [field]: changed });
}

/** Makes the upstream accept every call of the examples. Every job and file exists. */
export function makeWritable(upstream: ScriptedUpstream): void {
  upstream.failAll(async (request, response) => {
    const { method, url = '' } = request;
    await buffer(request);
    const path = decodeURIComponent(new URL(url, 'http://upstream').pathname).replace('/v1', '');
    writeResponse(response, 200, bodyFor(`${method} ${path}`));
  });
}

function bodyFor(call: string): object {
  const id = call.split('/').at(-1) ?? '';
  if (call.startsWith('DELETE ')) return { id, deleted: true };
  if (call === 'POST /fine_tuning/jobs') return jobBody({ id: 'ftjob-made' });
  if (call.startsWith('POST /fine_tuning/jobs/')) return jobBody({ id: call.split('/')[3] });
  if (/^GET \/fine_tuning\/jobs\/[^/]+$/.test(call)) return jobBody({ id });
  if (/^GET \/files\/[^/]+$/.test(call)) return fileBody(id);
  if (call === 'POST /files') return fileBody('file-made');
  if (call === 'POST /fine_tuning/alpha/graders/run') return { reward: 1 };
  if (call === 'POST /fine_tuning/alpha/graders/validate')
    return { grader: { type: 'python', name: 'a', source: 'b' } };
  const permission = { id: 'cp_1', created_at: 1, project_id: 'proj_1' };
  return { data: call.endsWith('/permissions') ? [permission] : [], has_more: false };
}
