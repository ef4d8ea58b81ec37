import { z } from 'zod';
import {
  anyList,
  characters,
  integer,
  jsonObject,
  membersExcept,
  objectOfAtMost,
  parse,
} from '../api/request-schema.ts';
import { readGrader } from '../grading/grader-schema.ts';
import type { Wandb } from '../simulation/job-plan.ts';
import { type Asked, readHyperparameters } from './hyperparameter.ts';

/** What a client asks for that makes a job (docs/upstream.md: Creating a job). */
export interface CreateRequest {
  readonly model: string;
  readonly trainingFile: string;
  readonly validationFile: string | null;
  readonly suffix: string | null;
  readonly seed: number | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly integrations: readonly Wandb[];
  readonly method: AskedMethod;
  /** Members that nobody knows. */
  readonly unknown: object;
}

export interface AskedMethod {
  readonly type: 'supervised' | 'dpo' | 'reinforcement';
  readonly asked: Asked;
  /** Only for reinforcement. */
  readonly grader: object | null;
  /** Other members beside the hyperparameters, such as `response_format`. */
  readonly unknown: object;
}

const text = z.string();
const optional = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** An item that is no string is reported by the path of the list. */
const tagList = anyList
  .check(({ value, issues }) => {
    const input = value.find((tag) => typeof tag !== 'string');
    if (input !== undefined) issues.push({ code: 'invalid_type', expected: 'string', input });
  })
  .pipe(z.array(text));

const integration = z.object({
  type: z.enum(['wandb']),
  wandb: z.object({ project: text, name: optional(text), entity: optional(text), tags: optional(tagList) }),
});

const method = z.looseObject({ type: z.enum(['supervised', 'dpo', 'reinforcement']) });
const methodSettings = z.looseObject({ hyperparameters: optional(jsonObject) });

/** In the order in which faults are reported. */
const members = {
  model: text,
  training_file: text,
  validation_file: optional(text),
  suffix: optional(characters(1, 64)),
  seed: optional(integer(0, 2 ** 31 - 1)),
  metadata: optional(objectOfAtMost(16).pipe(z.record(characters(0, 64), characters(0, 512)))),
  integrations: optional(z.array(integration)),
  hyperparameters: optional(jsonObject),
  method: optional(method),
};
const createRequest = z.looseObject(members);

/** Throws the ApiError of the first fault. */
export function readCreate(body: unknown): CreateRequest {
  const input = parse(createRequest, body ?? {});
  return {
    model: input.model,
    trainingFile: input.training_file,
    validationFile: input.validation_file,
    suffix: input.suffix,
    seed: input.seed,
    metadata: input.metadata,
    integrations: (input.integrations ?? []).map(({ wandb }) => ({ ...wandb, tags: wandb.tags ?? [] })),
    method: readMethod(input),
    unknown: membersExcept(Object(body), Object.keys(members)),
  };
}

/** Without a method, the job is supervised. The deprecated `hyperparameters` beside it count for supervised jobs only. */
function readMethod({ method, hyperparameters }: z.output<typeof createRequest>): AskedMethod {
  const type = method?.type ?? 'supervised';
  const settings = parse(methodSettings.nullish(), method?.[type], `method.${type}`) ?? { hyperparameters: null };
  const deprecated = type === 'supervised' ? hyperparameters : null;
  const asked = readHyperparameters(settings.hyperparameters ?? deprecated ?? {}, type);
  if (type !== 'reinforcement')
    return { type, asked, grader: null, unknown: membersExcept(settings, ['hyperparameters']) };
  const grader = readGrader(settings['grader'], 'method.reinforcement.grader');
  return { type, asked, grader, unknown: membersExcept(settings, ['hyperparameters', 'grader']) };
}
