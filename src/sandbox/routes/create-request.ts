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
import { type RequestedHyperparameters, readHyperparameters } from './hyperparameter.ts';

/** A valid create request (docs/upstream.md: Creating a job). */
export interface CreateRequest {
  readonly model: string;
  readonly trainingFile: string;
  readonly validationFile: string | null;
  readonly suffix: string | null;
  readonly seed: number | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly integrations: readonly Wandb[];
  readonly method: RequestedMethod;
  /** Undocumented members; the job returns them. */
  readonly extra: object;
}

export interface RequestedMethod {
  readonly type: 'supervised' | 'dpo' | 'reinforcement';
  readonly hyperparameters: RequestedHyperparameters;
  /** Null unless the type is reinforcement. */
  readonly grader: object | null;
  /** Members beside the hyperparameters, such as `response_format`. */
  readonly extra: object;
}

const text = z.string();
const optional = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** An item that is not a string is reported with the path of the list. */
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

/** In the order in which issues are reported. */
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

/** Throws the ApiError of the first issue. */
export function readCreateRequest(body: unknown): CreateRequest {
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
    extra: membersExcept(Object(body), Object.keys(members)),
  };
}

/** Without a method, the job is supervised. Only supervised jobs use the deprecated `hyperparameters`. */
function readMethod(input: z.output<typeof createRequest>): RequestedMethod {
  const type = input.method?.type ?? 'supervised';
  const settings = parse(methodSettings.nullish(), input.method?.[type], `method.${type}`) ?? { hyperparameters: null };
  const deprecated = type === 'supervised' ? input.hyperparameters : null;
  const hyperparameters = readHyperparameters(settings.hyperparameters ?? deprecated ?? {}, type);
  if (type !== 'reinforcement')
    return { type, hyperparameters, grader: null, extra: membersExcept(settings, ['hyperparameters']) };
  const grader = readGrader(settings['grader'], 'method.reinforcement.grader');
  return { type, hyperparameters, grader, extra: membersExcept(settings, ['hyperparameters', 'grader']) };
}
