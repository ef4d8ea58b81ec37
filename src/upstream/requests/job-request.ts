import { z } from 'zod';
import { compact, membersOf } from '../json/members.ts';
import { findMethodIssues, toMethodBody } from './method-request.ts';
import {
  findDepthIssues,
  findExtraIssues,
  findIssues,
  type Issue,
  integer,
  nameText,
  nonEmptyText,
  oneOf,
  optional,
  type RequestRules,
  text,
  textOfLength,
} from './validation.ts';

/** Pairs that a job's metadata can have. */
export const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY_LENGTH = 64;
const MAX_METADATA_VALUE_LENGTH = 512;

const AN_OBJECT = 'expected an object';
const wandb = z.object(
  {
    project: nonEmptyText(),
    name: optional(text()),
    entity: optional(text()),
    tags: optional(z.array(text(), 'expected a list')),
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
      model: nameText(),
      training_file: nameText(),
      validation_file: optional(nameText()),
      suffix: optional(isLimited ? textOfLength(1, 64) : text()),
      seed: optional(isLimited ? integer(0, 2_147_483_647) : integer()),
      integrations: optional(z.array(integration, 'expected a list')),
    },
    AN_OBJECT,
  );
}

const schemas: Record<RequestRules, z.ZodType> = { openai: createSchema('openai'), unknown: createSchema('unknown') };

/** What we know of a request, beside which there can be extra members; `hyperparameters` have moved into the method. */
const MEMBERS = [
  ...['model', 'training_file', 'validation_file', 'suffix', 'seed'],
  ...['method', 'hyperparameters', 'integrations', 'metadata'],
];

export interface JobRequestOptions {
  readonly limits: RequestRules;
  /** Pairs of metadata that will be added, and must have room. */
  readonly reservedPairs?: number;
}

/**
 * Checks a request for a job in wire spelling (docs/upstream.md: Creating a job), before anything is sent: gives the body to send, or all
 * that is wrong at once. Members that we do not know stand in `extra`, on the request and on the object of its method;
 * in the body they stand among the others.
 */
export function validateJobRequest(draft: unknown, options: JobRequestOptions): { body: object } | { issues: Issue[] } {
  const { limits, reservedPairs = 0 } = options;
  const { data: members } = z.record(z.string(), z.unknown()).safeParse(draft);
  if (members === undefined) return { issues: [{ path: [], message: AN_OBJECT }] };
  const issues = [
    ...findIssues(schemas[limits], members),
    ...findMethodIssues(members['method'], limits),
    ...issuesOfMetadata(members['metadata'], limits === 'openai' ? MAX_METADATA_PAIRS - reservedPairs : null),
    ...findExtraIssues(members['extra'], MEMBERS, ['extra']),
  ];
  const all = issues.length > 0 ? issues : findDepthIssues(members);
  return all.length > 0 ? { issues: all } : { body: bodyOf(members) };
}

function bodyOf({ method, integrations, ...members }: Record<string, unknown>): object {
  const sent = {
    method: method == null ? null : toMethodBody(method),
    integrations: Array.isArray(integrations) ? integrations.map(sentIntegration) : null,
  };
  return compact({ ...sent, ...members });
}

function sentIntegration(draft: unknown): object {
  const { wandb, ...members } = compact(membersOf(draft));
  return { ...members, ...(wandb !== undefined && { wandb: compact(membersOf(wandb)) }) };
}

/** What is wrong with a key stands below it, at `key`. `mostPairs` is null where no limits are known. */
function issuesOfMetadata(metadata: unknown, mostPairs: number | null): Issue[] {
  if (metadata == null) return [];
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return [{ path: ['metadata'], message: AN_OBJECT }];
  const pairs = Object.entries(metadata);
  const isLimited = mostPairs !== null;
  const key = textOfLength(1, MAX_METADATA_KEY_LENGTH);
  const value = isLimited ? textOfLength(0, MAX_METADATA_VALUE_LENGTH) : text();
  return [
    ...(isLimited && pairs.length > mostPairs
      ? [{ path: ['metadata'], message: `expected at most ${mostPairs} pairs` }]
      : []),
    ...(isLimited ? pairs.flatMap(([name]) => findIssues(key, name, ['metadata', name, 'key'])) : []),
    ...pairs.flatMap(([name, content]) => findIssues(value, content, ['metadata', name])),
  ];
}
