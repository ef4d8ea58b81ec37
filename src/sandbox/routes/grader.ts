import { z } from 'zod';
import { jsonObject, parse } from '../api/request-schema.ts';
import { type Grade, gradeSample } from '../grading/grade.ts';
import { type Grader, readGrader } from '../grading/grader-schema.ts';
import { createNamespaces } from '../grading/template.ts';
import type { ApiRequest } from './route.ts';

const runRequest = z.object({ model_sample: z.string(), item: jsonObject.nullable().default({}) });

export function validateGrader({ body }: ApiRequest): object {
  return { grader: readGrader(parse(jsonObject, body ?? {})['grader'], 'grader') };
}

export function runGrader({ body, now, clock }: ApiRequest): object {
  const input = parse(jsonObject, body ?? {});
  const grader = readGrader(input['grader'], 'grader');
  const { model_sample, item } = parse(runRequest, input);
  const grade = gradeSample(grader, createNamespaces(model_sample, item ?? {}));
  return {
    reward: grade.reward,
    metadata: runMetadata(grader, grade, (clock.now() - now) / 1000),
    sub_rewards: grade.subRewards,
    model_grader_token_usage_per_model: grade.tokens,
  };
}

function runMetadata({ name, type }: Grader, { errors, reward, tokens }: Grade, seconds: number): object {
  const [model = null] = Object.keys(tokens);
  const total = Object.values(tokens).reduce((sum, count) => sum + count, 0);
  return {
    name,
    type,
    errors: { ...NO_ERRORS, ...Object.fromEntries(errors.map((error) => [error, true])) },
    execution_time: seconds,
    scores: { [name]: reward },
    token_usage: model === null ? null : total,
    sampled_model_name: type === 'multi' ? null : model,
  };
}

/** Every response has all of these members. */
const NO_ERRORS = {
  formula_parse_error: false,
  sample_parse_error: false,
  truncated_observation_error: false,
  unresponsive_reward_error: false,
  invalid_variable_error: false,
  other_error: false,
  python_grader_server_error: false,
  python_grader_server_error_type: null,
  python_grader_runtime_error: false,
  python_grader_runtime_error_details: null,
  model_grader_server_error: false,
  model_grader_refusal_error: false,
  model_grader_parse_error: false,
  model_grader_server_error_details: null,
};
