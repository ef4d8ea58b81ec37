import type { JobPlan } from './job-plan.ts';
import type { StepMetrics } from './metrics.ts';
import { noise } from './noise.ts';

/** The `data` of a metrics event of a reinforcement job (docs/upstream.md: Metrics events). */
export function reinforcementData(plan: JobPlan, step: number, totalSteps: number, metrics: StepMetrics): object {
  const noisy = (mean: number, spread: number, series: number) => mean + spread * noise(plan.seed, step, series);
  const { name, models } = graderOf(plan);
  const isEvaluated = metrics.full_valid_mean_reward !== undefined;
  const graderSeconds = noisy(2.1, 0.9, 20);
  return {
    step,
    total_steps: totalSteps,
    ...metrics,
    reasoning_tokens_mean: noisy(640, 120, 10),
    completion_tokens_mean: noisy(180, 40, 11),
    ...(isEvaluated && { valid_reasoning_tokens_mean: noisy(655, 90, 12) }),
    mean_unresponsive_rewards: Math.max(0, noisy(0, 0.02, 13)),
    model_graders_token_usage: Object.fromEntries(models.map((model) => [model, tokenUsage(noisy)])),
    usage: { graders: [{ name, calls: plan.method.resolved.batch_size }], samples: { train: plan.examples } },
    errors: { graders: [{ name, train_other_errors_mean: 0 }] },
    scores: {
      graders: [{ name, train_reward_mean: metrics.train_mean_reward }],
      train_reward_mean: metrics.train_mean_reward,
      ...(isEvaluated && { valid_reward_mean: metrics.full_valid_mean_reward }),
    },
    timing: timing(noisy, graderSeconds, isEvaluated, name),
  };
}

type Noisy = (mean: number, spread: number, series: number) => number;

function tokenUsage(noisy: Noisy) {
  const tokens = (mean: number, series: number) => Math.round(noisy(mean, mean / 5, series));
  return {
    train_prompt_tokens: tokens(9000, 30),
    train_completion_tokens: tokens(700, 31),
    train_cached_tokens: tokens(2000, 32),
    eval_prompt_tokens: tokens(4000, 33),
    eval_completion_tokens: tokens(300, 34),
    eval_cached_tokens: tokens(900, 35),
  };
}

function timing(noisy: Noisy, graderSeconds: number, isEvaluated: boolean, name: string) {
  const [sampling, training] = [noisy(40, 9, 21), noisy(14, 3, 22)];
  const evaluation = isEvaluated ? noisy(25, 5, 23) : null;
  return {
    step: {
      eval: evaluation,
      sampling,
      training,
      full_iteration: sampling + training + graderSeconds + (evaluation ?? 0),
    },
    graders: [{ name, train_seconds_mean: graderSeconds }],
  };
}

/** The name of the plan's grader, and the models that it calls. */
function graderOf({ method }: JobPlan): { name: string; models: readonly string[] } {
  if (method.type !== 'reinforcement') throw new TypeError('A grader needs a reinforcement job.');
  const text = JSON.stringify(method.grader);
  const models = [...text.matchAll(/"model":"([^"]+)"/g)].map(([, model = '']) => model);
  return { name: 'name' in method.grader ? String(method.grader.name) : '', models: [...new Set(models)] };
}
