import { z } from 'zod';
import type { Members } from '../../upstream/json/members.ts';
import { ApiError } from '../api/api-error.ts';
import { parse } from '../api/request-schema.ts';
import type { PlannedMethod } from '../simulation/method.ts';
import type { Random } from '../simulation/random.ts';

type MethodType = PlannedMethod['type'];
type NumberOrAuto = number | 'auto';

interface Limit {
  readonly isInteger: boolean;
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
}

/** The limits of docs/upstream.md: Creating a job. */
const COMMON = {
  n_epochs: { isInteger: true, min: 1, max: 50 },
  batch_size: { isInteger: true, min: 1, max: 256 },
  learning_rate_multiplier: { isInteger: false, above: 0 },
} satisfies Record<string, Limit>;
const DPO = { ...COMMON, beta: { isInteger: false, above: 0, max: 2 } } satisfies Record<string, Limit>;
const REINFORCEMENT = {
  ...COMMON,
  compute_multiplier: { isInteger: false, above: 0.00001, max: 10 },
  eval_interval: { isInteger: true, min: 1 },
  eval_samples: { isInteger: true, min: 1 },
} satisfies Record<string, Limit>;

const effortSchema = z.enum(['default', 'low', 'medium', 'high']);

export interface RequestedHyperparameters {
  readonly numbers: Readonly<Record<string, NumberOrAuto>>;
  readonly reasoningEffort: string;
}

/**
 * Reads hyperparameters; absent ones are "auto". Throws ApiError. No schema, as the messages are those of another
 * validator (docs/upstream.md: Errors): they have the name without a path, and unknown names come first.
 */
export function readHyperparameters(input: Members, type: MethodType): RequestedHyperparameters {
  const limits: Readonly<Record<string, Limit>> = { supervised: COMMON, dpo: DPO, reinforcement: REINFORCEMENT }[type];
  const isKnown = (name: string) =>
    Object.hasOwn(limits, name) || (type === 'reinforcement' && name === 'reasoning_effort');
  for (const [name, value] of Object.entries(input)) {
    if (!isKnown(name)) throw invalid(name, value, 'extra inputs are not permitted'); // The recorded message.
  }
  const numbers = Object.entries(limits).map(([name, limit]) => [name, readNumber(name, input[name], limit)] as const);
  const effort = input['reasoning_effort'] ?? 'default';
  return {
    numbers: Object.fromEntries(numbers),
    reasoningEffort: type === 'reinforcement' ? parse(effortSchema, effort, 'reasoning_effort') : 'default',
  };
}

/** The messages follow the recorded one. */
function readNumber(name: string, value: unknown, { isInteger, min, above, max }: Limit): NumberOrAuto {
  if (value === undefined || value === null || value === 'auto') return 'auto';
  if (typeof value !== 'number') throw invalid(name, value, `input should be a valid number or "auto"`);
  if (isInteger && !Number.isInteger(value)) throw invalid(name, value, 'input should be a valid integer');
  if (min !== undefined && value < min) throw invalid(name, value, `input should be greater than or equal to ${min}`);
  if (above !== undefined && value <= above) throw invalid(name, value, `input should be greater than ${above}`);
  if (max !== undefined && value > max) throw invalid(name, value, `input should be less than or equal to ${max}`);
  return value;
}

function invalid(name: string, value: unknown, reason: string): ApiError {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return new ApiError(400, `invalid ${name}: ${text}, ${reason}`, name);
}

/** Replaces each "auto" by the number that training uses. Fewer examples have more epochs and smaller batches. */
export function resolveHyperparameters(
  { numbers }: RequestedHyperparameters,
  examples: number,
  random: Random,
): Readonly<Record<string, number>> {
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
