import { z } from 'zod';
import { compact, isObject, membersOf } from '../json/members.ts';
import { typeProblem } from '../json/problem.ts';
import { findMethodIssues, toMethodBody } from './method-request.ts';
import {
  expected,
  fileId,
  findDepthIssues,
  findExtraIssues,
  findIssues,
  type Issue,
  integer,
  modelName,
  nonEmptyText,
  oneOf,
  optional,
  problemOf,
  type RequestRules,
  text,
  textOfLength,
} from './validation.ts';

/** Maximum pairs of a job's metadata. */
export const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY_LENGTH = 64;
const MAX_METADATA_VALUE_LENGTH = 512;

const AN_OBJECT = expected('an object');
const A_LIST = expected('a list');
const wandb = z.object(
  {
    project: nonEmptyText(),
    name: optional(text()),
    entity: optional(text()),
    tags: optional(z.array(text(), A_LIST)),
  },
  AN_OBJECT,
);

function createSchema(limits: RequestRules) {
  const isLimited = limits === 'openai';
  const integration = isLimited
    ? z.object({ type: oneOf('wandb'), wandb }, AN_OBJECT)
    : z.object({ type: nonEmptyText(), wandb: optional(wandb) }, AN_OBJECT);
  return z.object(
    {
      model: modelName(),
      training_file: fileId(),
      validation_file: optional(fileId()),
      suffix: optional(isLimited ? textOfLength(1, 64) : text()),
      seed: optional(isLimited ? integer(0, 2_147_483_647) : integer()),
      integrations: optional(z.array(integration, A_LIST)),
    },
    AN_OBJECT,
  );
}

const schemas: Record<RequestRules, z.ZodType> = { openai: createSchema('openai'), unknown: createSchema('unknown') };

/** The members that extra members may not repeat. `hyperparameters` is the deprecated member for those of the method. */
const KNOWN_MEMBERS = [
  ...['model', 'training_file', 'validation_file', 'suffix', 'seed'],
  ...['method', 'hyperparameters', 'integrations', 'metadata'],
];

export interface JobRequestOptions {
  readonly limits: RequestRules;
  /** Pairs of metadata that the gateway adds: the request may have that many fewer. */
  readonly reservedPairs?: number;
}

/**
 * Validates a request to create a job, in wire spelling (docs/upstream.md: Creating a job). Returns the body to send, or all
 * issues. Unknown members are passed in `extra`, on the request and on the object of its method, and become members of the
 * body.
 */
export function validateJobRequest(
  request: unknown,
  options: JobRequestOptions,
): { body: object } | { issues: Issue[] } {
  const { limits, reservedPairs = 0 } = options;
  const { data: members } = z.record(z.string(), z.unknown()).safeParse(request);
  if (members === undefined) return { issues: [{ path: [], message: `${typeProblem(request)}; expected an object` }] };
  const issues = [
    ...findIssues(schemas[limits], members),
    ...findMethodIssues(members['method'], limits),
    ...findMetadataIssues(members['metadata'], limits === 'openai' ? MAX_METADATA_PAIRS - reservedPairs : null),
    ...findExtraIssues(members['extra'], KNOWN_MEMBERS, ['extra']),
  ];
  const all = issues.length > 0 ? issues : findDepthIssues(members);
  return all.length > 0 ? { issues: all } : { body: toJobBody(members) };
}

function toJobBody({ method, integrations, ...members }: Record<string, unknown>): object {
  const encoded = {
    method: method == null ? null : toMethodBody(method),
    integrations: Array.isArray(integrations) ? integrations.map(toIntegrationBody) : null,
  };
  return compact({ ...encoded, ...members });
}

function toIntegrationBody(integration: unknown): object {
  const { wandb, ...members } = compact(membersOf(integration));
  return { ...members, ...(wandb !== undefined && { wandb: compact(membersOf(wandb)) }) };
}

/** The issues of a key have the path `metadata.<key>.key`. `maxPairs` is null for servers of unknown limits. */
function findMetadataIssues(metadata: unknown, maxPairs: number | null): Issue[] {
  if (metadata == null) return [];
  if (!isObject(metadata)) return [{ path: ['metadata'], message: `${problemOf(metadata)}; expected an object` }];
  const pairs = Object.entries(metadata);
  const isLimited = maxPairs !== null;
  const key = textOfLength(1, MAX_METADATA_KEY_LENGTH);
  const value = isLimited ? textOfLength(0, MAX_METADATA_VALUE_LENGTH) : text();
  return [
    ...(isLimited && pairs.length > maxPairs
      ? [{ path: ['metadata'], message: `has ${pairs.length} pairs; expected at most ${maxPairs}` }]
      : []),
    ...(isLimited ? pairs.flatMap(([name]) => findIssues(key, name, ['metadata', name, 'key'])) : []),
    ...pairs.flatMap(([name, pairValue]) => findIssues(value, pairValue, ['metadata', name])),
  ];
}
