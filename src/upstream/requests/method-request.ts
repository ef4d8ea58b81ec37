import { z } from 'zod';
import { compact, membersOf } from '../json/members.ts';
import { graderRequestSchemas, toGraderBody } from './grader-request.ts';
import {
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

// How a job is to train, as it is sent (docs/upstream.md: Creating a job).

const EFFORTS = ['default', 'low', 'medium', 'high'];
const AN_OBJECT = 'expected an object';

function createMethodSchema(limits: RequestRules) {
  const isLimited = limits === 'openai';
  const whole = (least: number, most?: number) => optional(isLimited ? integerOrAuto(least, most) : integerOrAuto());
  const number = (above: number, most?: number) => optional(isLimited ? numberOrAuto(above, most) : numberOrAuto());
  const common = { batch_size: whole(1, 256), learning_rate_multiplier: number(0), n_epochs: whole(1, 50) };
  const supervised = z.object(common, AN_OBJECT);
  const dpo = z.object({ ...common, beta: number(0, 2) }, AN_OBJECT);
  const reinforcement = z.object(
    {
      ...common,
      compute_multiplier: number(1e-5, 10),
      eval_interval: whole(1),
      eval_samples: whole(1),
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
/** What we know of each, beside which there can be extra members. */
const MEMBERS = {
  supervised: ['hyperparameters'],
  dpo: ['hyperparameters'],
  reinforcement: ['grader', 'hyperparameters'],
};

export const methodRequestSchemas: Record<RequestRules, z.ZodType> = {
  openai: createMethodSchema('openai'),
  unknown: createMethodSchema('unknown'),
};

/** All that is wrong with a method. */
export function findMethodIssues(draft: unknown, limits: RequestRules): Issue[] {
  if (draft == null) return [];
  const method = membersOf(draft);
  const { type } = method;
  const beside = METHODS.filter((name) => method[name] != null);
  return [
    ...findIssues(methodRequestSchemas[limits], draft, ['method']),
    ...(type === 'reinforcement' && method['reinforcement'] == null ? [MISSING] : []),
    ...beside
      .filter((name) => name !== type)
      .map((name) => ({ path: ['method', name], message: 'expected nothing here, as the type names another' })),
    ...beside.flatMap((name) => {
      return findExtraIssues(membersOf(method[name])['extra'], MEMBERS[name], ['method', name, 'extra']);
    }),
  ];
}

/** A method that was checked, without what is null in it. */
export function toMethodBody(draft: unknown): object {
  const { type, ...members } = membersOf(draft);
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

const MISSING: Issue = { path: ['method', 'reinforcement'], message: 'expected an object with a grader' };
