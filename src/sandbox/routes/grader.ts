import { type Input, orNull, readObject, readText } from '../api/input-reader.ts';
import { type Grade, gradeOf } from '../grading/grade.ts';
import { checkGrader } from '../grading/grader-schema.ts';
import { namespacesOf } from '../grading/template.ts';
import type { ApiRequest } from './route.ts';

export function validateGrader({ body }: ApiRequest): object {
  return { grader: checkGrader(readObject(body ?? {}, 'body')['grader'], 'grader') };
}

export function runGrader({ body, now, clock }: ApiRequest): object {
  const input = readObject(body ?? {}, 'body');
  const grader = checkGrader(input['grader'], 'grader');
  const answer = readText(input['model_sample'], 'model_sample');
  const item = orNull(input['item'], (value) => readObject(value, 'item')) ?? {};
  const grade = gradeOf(grader, namespacesOf(answer, item));
  return {
    reward: grade.reward,
    metadata: metadataOf(grader, grade, (clock.now() - now) / 1000),
    sub_rewards: grade.parts,
    model_grader_token_usage_per_model: grade.tokens,
  };
}

function metadataOf(grader: Input, { errors, reward, tokens }: Grade, seconds: number): object {
  const [model = null] = Object.keys(tokens);
  const total = Object.values(tokens).reduce((sum, count) => sum + count, 0);
  return {
    name: grader['name'],
    type: grader['type'],
    errors: { ...NO_ERRORS, ...Object.fromEntries(errors.map((name) => [name, true])) },
    execution_time: seconds,
    scores: { [String(grader['name'])]: reward },
    token_usage: model === null ? null : total,
    sampled_model_name: grader['type'] === 'multi' ? null : model,
  };
}

/** All that can go wrong with a grader, as every answer names it. */
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
