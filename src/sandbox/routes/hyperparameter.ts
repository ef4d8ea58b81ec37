import { z } from 'zod';
import { ApiError } from '../api/api-error.ts';
import { parse } from '../api/request-schema.ts';
import type { PlannedMethod } from '../simulation/method.ts';
import type { Random } from '../simulation/random.ts';

type MethodType = PlannedMethod['type'];
type NumberOrAuto = number | 'auto';

interface Limit {
  readonly isWhole: boolean;
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
}

/** The numbers of docs/upstream.md: Creating a job. */
const COMMON = {
  n_epochs: { isWhole: true, min: 1, max: 50 },
  batch_size: { isWhole: true, min: 1, max: 256 },
  learning_rate_multiplier: { isWhole: false, above: 0 },
} satisfies Record<string, Limit>;
const DPO = { ...COMMON, beta: { isWhole: false, above: 0, max: 2 } } satisfies Record<string, Limit>;
const REINFORCEMENT = {
  ...COMMON,
  compute_multiplier: { isWhole: false, above: 0.00001, max: 10 },
  eval_interval: { isWhole: true, min: 1 },
  eval_samples: { isWhole: true, min: 1 },
} satisfies Record<string, Limit>;

const effortSchema = z.enum(['default', 'low', 'medium', 'high']);

export interface Asked {
  readonly numbers: Readonly<Record<string, NumberOrAuto>>;
  readonly reasoningEffort: string;
}

/** Reads hyperparameters; those that are not given are "auto". Throws a Refusal. */
export function readHyperparameters(input: Readonly<Record<string, unknown>>, type: MethodType): Asked {
  const limits: Readonly<Record<string, Limit>> = { supervised: COMMON, dpo: DPO, reinforcement: REINFORCEMENT }[type];
  const isKnown = (name: string) =>
    Object.hasOwn(limits, name) || (type === 'reinforcement' && name === 'reasoning_effort');
  for (const [name, value] of Object.entries(input)) {
    if (!isKnown(name)) throw invalid(name, value, 'extra inputs are not permitted'); // As recorded (docs/upstream.md: Errors).
  }
  const numbers = Object.entries(limits).map(([name, limit]) => [name, readNumber(name, input[name], limit)] as const);
  const effort = input['reasoning_effort'] ?? 'default';
  return {
    numbers: Object.fromEntries(numbers),
    reasoningEffort: type === 'reinforcement' ? parse(effortSchema, effort, 'reasoning_effort') : 'default',
  };
}

/** In the voice of the one message that was recorded. */
function readNumber(name: string, value: unknown, { isWhole, min, above, max }: Limit): NumberOrAuto {
  if (value === undefined || value === null || value === 'auto') return 'auto';
  if (typeof value !== 'number') throw invalid(name, value, `input should be a valid number or "auto"`);
  if (isWhole && !Number.isInteger(value)) throw invalid(name, value, 'input should be a valid integer');
  if (min !== undefined && value < min) throw invalid(name, value, `input should be greater than or equal to ${min}`);
  if (above !== undefined && value <= above) throw invalid(name, value, `input should be greater than ${above}`);
  if (max !== undefined && value > max) throw invalid(name, value, `input should be less than or equal to ${max}`);
  return value;
}

function invalid(name: string, value: unknown, fault: string): ApiError {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return new ApiError(400, `invalid ${name}: ${text}, ${fault}`, name);
}

/** The numbers that training uses where "auto" was asked for: so that few examples are seen often, and many seldom. */
export function resolve({ numbers }: Asked, examples: number, random: Random): Readonly<Record<string, number>> {
  const auto: Readonly<Record<string, number>> = {
    n_epochs: examples * 3 < 100 ? Math.min(25, Math.floor(100 / Math.max(examples, 4))) : 3,
    batch_size: Math.min(256, Math.max(1, Math.round(examples / 500))),
    learning_rate_multiplier: random.pick([0.1, 0.5, 1.8, 2]),
    beta: 0.1,
    compute_multiplier: 1,
    eval_interval: random.int(2, 10),
    eval_samples: random.int(1, 4),
  };
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, value === 'auto' ? (auto[name] ?? 1) : value]),
  );
}
