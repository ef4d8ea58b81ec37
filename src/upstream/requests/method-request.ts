import { z } from 'zod';
import { compact, type Members, membersOf } from '../json/members.ts';
import { graderRequestSchemas, toGraderBody } from './grader-request.ts';
import { findHyperparameterIssues, type HyperparameterPlacement } from './hyperparameter-placement.ts';
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
/** The known members of each method beside its hyperparameters. Extra members may not repeat them. */
const KNOWN_MEMBERS = { supervised: [], dpo: [], reinforcement: ['grader'] };

export const methodRequestSchemas: Record<RequestRules, z.ZodType> = {
  openai: createMethodSchema('openai'),
  unknown: createMethodSchema('unknown'),
};

/** Returns all issues of a method. A server with the placement `top` knows no other method than supervised. */
export function findMethodIssues(method: unknown, limits: RequestRules, placement: HyperparameterPlacement): Issue[] {
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
    ...(placement === 'top' && METHODS.some((name) => name === type && name !== 'supervised')
      ? [{ path: ['method', String(type)], message: UNKNOWN_TO_SERVER }]
      : []),
    ...present.flatMap((name) => {
      const { extra, hyperparameters } = membersOf(members[name]);
      const path = ['method', name, 'extra'];
      return [
        ...findExtraIssues(extra, KNOWN_MEMBERS[name], path),
        ...findHyperparameterIssues(extra, [membersOf(hyperparameters)], path),
      ];
    }),
  ];
}

const UNKNOWN_TO_SERVER =
  'is a method that this upstream does not know; expected supervised, or UPSTREAM_HYPERPARAMETERS=method if it does';

/** Returns the hyperparameters of the method in its REST form; those among its extra members may be invalid. */
export function hyperparametersOf(method: unknown): readonly Members[] {
  return Object.values(membersOf(method)).flatMap((object) => {
    const { hyperparameters, extra } = membersOf(object);
    return [membersOf(hyperparameters), membersOf(membersOf(extra)['hyperparameters'])];
  });
}

/** Returns a valid method without the members that are null. */
export function toMethodBody(method: unknown): object {
  const { type, ...members } = membersOf(method);
  const objects = Object.entries(compact(members)).map(([name, object]) => {
    const { grader, hyperparameters, extra, ...others } = membersOf(object);
    const { hyperparameters: more, ...extraMembers } = membersOf(extra);
    const known = {
      grader: grader == null ? null : toGraderBody(grader),
      hyperparameters:
        hyperparameters == null && more == null ? null : compact({ ...membersOf(hyperparameters), extra: more }),
    };
    return [name, compact({ ...known, ...others, extra: extraMembers })];
  });
  return { type, ...Object.fromEntries(objects) };
}

const MISSING_REINFORCEMENT: Issue = {
  path: ['method', 'reinforcement'],
  message: 'is missing; expected an object with a grader',
};
