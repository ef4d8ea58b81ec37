import { buffer } from 'node:stream/consumers';
import { type GraphQLField, type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql';
import type { Role } from '../../../src/request/viewer.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import { fileBody } from '../bodies/file.ts';
import { jobBody } from '../bodies/job.ts';
import { trainingLines } from '../client/upload.ts';
import type { Answer } from '../gateway/gateway.ts';
import { answer, type ScriptedUpstream } from '../gateway/upstream.ts';

/** How a mutation is used, so that a writable upstream does it. */
export interface Example {
  /** Who may. */
  readonly role: Role;
  readonly input: Readonly<Record<string, unknown>>;
  /** What it makes, changes or deletes, as the log names it; undefined for nothing that has an id. */
  readonly id?: string;
  /** Which thing it is about that is to be there, as the log names it when nothing was done. */
  readonly about?: string;
}

const MODEL = 'ft:gpt-4.1-mini:org::1';
const GRADER = { stringCheck: { name: 'same', input: 'a', reference: 'b', operation: 'EQ' } };
const JUDGE = { name: 'judge', modelId: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Judge.' }] };
const ofJob = { role: 'operator', input: { jobId: 'ftjob-1' }, id: 'ftjob-1', about: 'ftjob-1' } as const;

/** One of each mutation of the schema. */
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
  deleteFile: { role: 'operator', input: { fileId: 'file-1' }, id: 'file-1', about: 'file-1' },
  deleteModel: { role: 'admin', input: { modelId: MODEL }, id: MODEL, about: MODEL },
  createCheckpointPermissions: {
    role: 'admin',
    input: { fineTunedModelId: MODEL, projectIds: ['proj_1'] },
    id: MODEL,
    about: MODEL,
  },
  deleteCheckpointPermission: {
    role: 'admin',
    input: { fineTunedModelId: MODEL, permissionId: 'cp_1' },
    id: 'cp_1',
    about: 'cp_1',
  },
  validateGrader: { role: 'operator', input: { grader: { scoreModel: JUDGE } } },
  runGrader: { role: 'operator', input: { grader: GRADER, modelSample: 'a' } },
};

/** Asks for a mutation, with a file if its input has a place for one. */
export async function mutate(url: string, authorization: string, name: string, input: object) {
  const operation = JSON.stringify({ query: mutationDocument(name), variables: { input } });
  const form = new FormData();
  form.append('operations', operation);
  form.append('map', '{"0":["variables.input.file"]}');
  form.append('0', new Blob([trainingLines(10)]), 'train.jsonl');
  const how =
    'file' in input
      ? { headers: { authorization, 'graphql-require-preflight': '1' }, body: form }
      : { headers: { authorization, 'content-type': 'application/json' }, body: operation };
  const response = await fetch(url, { method: 'POST', ...how });
  const { data, errors } = (await response.json()) as Answer; // The form of every GraphQL answer.
  return { outcome: data?.[name], errors, requestId: response.headers.get('x-request-id') };
}

/** The mutations of the schema, by their names. */
export function mutationFields(): Readonly<Record<string, GraphQLField<unknown, unknown>>> {
  return createSchema().getMutationType()?.getFields() ?? {};
}

/** A name as those of its types begin. */
export const capital = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** Asks for a mutation, by its input, and for all that every one can answer. */
export function mutationDocument(name: string, operation = capital(name)): string {
  const input = inputOf(name);
  return `mutation ${operation}($input: ${input.name}!) { ${name}(input: $input) { __typename ... on Error { message code } } }`;
}

export function inputOf(name: string) {
  const type = mutationFields()[name]?.args.find((argument) => argument.name === 'input')?.type;
  const input = type && getNamedType(type);
  if (!isInputObjectType(input)) throw new Error(`${name}: expected an input object`);
  return input;
}

/** A place in an input: names of its fields, and places in lists. */
export type Place = readonly string[];

/** Where ids stand in the example of a mutation, whatever kind they are of. */
export function idPlaces(name: string): Place[] {
  return placesIn(inputOf(name), EXAMPLES[name]?.input, []);
}

function placesIn(type: GraphQLInputType, value: unknown, at: Place): Place[] {
  if (value == null) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => placesIn(type, item, [...at, String(index)]));
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named.name === 'ID' ? [at] : [];
  const fields = Object.values(named.getFields());
  return fields.flatMap((field) => placesIn(field.type, Object(value)[field.name], [...at, field.name]));
}

/** The same input with another value in one place. */
export function withValue(input: unknown, [field, ...below]: Place, value: unknown): unknown {
  if (field === undefined) return value;
  const changed = withValue(Object(input)[field], below, value);
  return Array.isArray(input) ? input.with(Number(field), changed) : Object.assign({}, input, { [field]: changed });
}

/** Lets the upstream do whatever it is asked, for the examples. */
export function makeWritable(upstream: ScriptedUpstream): void {
  upstream.failAll(async (request, response) => {
    const { method, url = '' } = request;
    await buffer(request);
    const path = decodeURIComponent(new URL(url, 'http://upstream').pathname).replace('/v1', '');
    answer(response, 200, bodyFor(`${method} ${path}`));
  });
}

function bodyFor(call: string): object {
  const id = call.split('/').at(-1) ?? '';
  if (call.startsWith('DELETE ')) return { id, deleted: true };
  if (call === 'POST /fine_tuning/jobs') return jobBody({ id: 'ftjob-made' });
  if (call.startsWith('POST /fine_tuning/jobs/')) return jobBody({ id: call.split('/')[3] });
  if (call === 'POST /files') return fileBody('file-made');
  if (call === 'POST /fine_tuning/alpha/graders/run') return { reward: 1 };
  if (call === 'POST /fine_tuning/alpha/graders/validate')
    return { grader: { type: 'python', name: 'a', source: 'b' } };
  const permission = { id: 'cp_1', created_at: 1, project_id: 'proj_1' };
  return { data: call.endsWith('/permissions') ? [permission] : [], has_more: false };
}
