import type { JobPlan } from './job-plan.ts';
import { fiveDecimals, type Measured } from './metrics.ts';
import { noise } from './noise.ts';

/** The `data` of a reinforcement job's metrics event: nested, and more than any curve shows (docs/upstream.md: Metrics events). */
export function reinforcementData(plan: JobPlan, step: number, totalSteps: number, measured: Measured): object {
  const near = (middle: number, spread: number, series: number) =>
    fiveDecimals(middle + spread * noise(plan.seed, step, series));
  const { name, models } = graderOf(plan);
  const isEvaluated = measured.full_valid_mean_reward !== undefined;
  const graderSeconds = near(2.1, 0.9, 20);
  return {
    step,
    total_steps: totalSteps,
    ...measured,
    reasoning_tokens_mean: near(640, 120, 10),
    completion_tokens_mean: near(180, 40, 11),
    ...(isEvaluated && { valid_reasoning_tokens_mean: near(655, 90, 12) }),
    mean_unresponsive_rewards: fiveDecimals(Math.max(0, near(0, 0.02, 13))),
    model_graders_token_usage: Object.fromEntries(models.map((model) => [model, tokenUsage(near)])),
    usage: { graders: [{ name, calls: plan.method.resolved.batch_size }], samples: { train: plan.examples } },
    errors: { graders: [{ name, train_other_errors_mean: 0 }] },
    scores: {
      graders: [{ name, train_reward_mean: measured.train_mean_reward }],
      train_reward_mean: measured.train_mean_reward,
      ...(isEvaluated && { valid_reward_mean: measured.full_valid_mean_reward }),
    },
    timing: timing(near, graderSeconds, isEvaluated, name),
  };
}

type Near = (middle: number, spread: number, series: number) => number;

function tokenUsage(near: Near) {
  const tokens = (middle: number, series: number) => Math.round(near(middle, middle / 5, series));
  return {
    train_prompt_tokens: tokens(9000, 30),
    train_completion_tokens: tokens(700, 31),
    train_cached_tokens: tokens(2000, 32),
    eval_prompt_tokens: tokens(4000, 33),
    eval_completion_tokens: tokens(300, 34),
    eval_cached_tokens: tokens(900, 35),
  };
}

function timing(near: Near, graderSeconds: number, isEvaluated: boolean, name: string) {
  const [sampling, training] = [near(40, 9, 21), near(14, 3, 22)];
  const evaluation = isEvaluated ? near(25, 5, 23) : null;
  return {
    step: {
      eval: evaluation,
      sampling,
      training,
      full_iteration: fiveDecimals(sampling + training + graderSeconds + (evaluation ?? 0)),
    },
    graders: [{ name, train_seconds_mean: graderSeconds }],
  };
}

/** The name of the plan's grader, and the models that it calls. */
function graderOf({ method }: JobPlan): { name: string; models: readonly string[] } {
  if (method.type !== 'reinforcement') throw new TypeError('Only a reinforcement job has a grader.');
  const text = JSON.stringify(method.grader);
  const models = [...text.matchAll(/"model":"([^"]+)"/g)].map(([, model = '']) => model);
  return { name: 'name' in method.grader ? String(method.grader.name) : '', models: [...new Set(models)] };
}
