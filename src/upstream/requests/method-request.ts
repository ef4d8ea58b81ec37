import { z } from 'zod';
import { compact, membersOf } from '../json/members.ts';
import { graderRequestSchemas, toGraderBody } from './grader-request.ts';
import {
  expected,
  findExtraIssues,
  findIssues,
  type Issue,
  integerOrAuto,
  nonEmptyText,
  numberOrAuto,
  oneOf,
  optional,
  type RequestRules,
} from './validation.ts';

// The training method of a job in wire spelling (docs/upstream.md: Creating a job).

const EFFORTS = ['default', 'low', 'medium', 'high'];
const AN_OBJECT = expected('an object');

function createMethodSchema(limits: RequestRules) {
  const isLimited = limits === 'openai';
  const integer = (min: number, max?: number) => optional(isLimited ? integerOrAuto(min, max) : integerOrAuto());
  const number = (above: number, max?: number) => optional(isLimited ? numberOrAuto(above, max) : numberOrAuto());
  const common = { batch_size: integer(1, 256), learning_rate_multiplier: number(0), n_epochs: integer(1, 50) };
  const supervised = z.object(common, AN_OBJECT);
  const dpo = z.object({ ...common, beta: number(0, 2) }, AN_OBJECT);
  const reinforcement = z.object(
    {
      ...common,
      compute_multiplier: number(1e-5, 10),
      eval_interval: integer(1),
      eval_samples: integer(1),
      reasoning_effort: optional(isLimited ? oneOf(...EFFORTS) : nonEmptyText()),
    },
    AN_OBJECT,
  );
  const grader = graderRequestSchemas[limits];
  return z.object(
    {
      type: isLimited ? oneOf(...METHODS) : nonEmptyText(),
      supervised: optional(z.object({ hyperparameters: optional(supervised) }, AN_OBJECT)),
      dpo: optional(z.object({ hyperparameters: optional(dpo) }, AN_OBJECT)),
      reinforcement: optional(z.object({ grader, hyperparameters: optional(reinforcement) }, AN_OBJECT)),
    },
    AN_OBJECT,
  );
}

const METHODS = ['supervised', 'dpo', 'reinforcement'] as const;
/** The known members of each method. Extra members may not repeat them. */
const KNOWN_MEMBERS = {
  supervised: ['hyperparameters'],
  dpo: ['hyperparameters'],
  reinforcement: ['grader', 'hyperparameters'],
};

export const methodRequestSchemas: Record<RequestRules, z.ZodType> = {
  openai: createMethodSchema('openai'),
  unknown: createMethodSchema('unknown'),
};

/** Returns all issues of a method. */
export function findMethodIssues(method: unknown, limits: RequestRules): Issue[] {
  if (method == null) return [];
  const members = membersOf(method);
  const { type } = members;
  const present = METHODS.filter((name) => members[name] != null);
  return [
    ...findIssues(methodRequestSchemas[limits], method, ['method']),
    ...(type === 'reinforcement' && members['reinforcement'] == null ? [MISSING_REINFORCEMENT] : []),
    ...present
      .filter((name) => name !== type)
      .map((name) => ({
        path: ['method', name],
        message: 'does not match the type of the method; expected only the object that the type names',
      })),
    ...present.flatMap((name) => {
      return findExtraIssues(membersOf(members[name])['extra'], KNOWN_MEMBERS[name], ['method', name, 'extra']);
    }),
  ];
}

/** Returns a valid method without the members that are null. */
export function toMethodBody(method: unknown): object {
  const { type, ...members } = membersOf(method);
  const objects = Object.entries(compact(members)).map(([name, object]) => {
    const { grader, hyperparameters, ...others } = membersOf(object);
    const known = {
      grader: grader == null ? null : toGraderBody(grader),
      hyperparameters: hyperparameters == null ? null : compact(membersOf(hyperparameters)),
    };
    return [name, compact({ ...known, ...others })];
  });
  return { type, ...Object.fromEntries(objects) };
}

const MISSING_REINFORCEMENT: Issue = {
  path: ['method', 'reinforcement'],
  message: 'is missing; expected an object with a grader',
};
