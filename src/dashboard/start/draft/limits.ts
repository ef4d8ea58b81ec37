import type { DraftValues } from './draft.ts';
import type { FieldErrors } from './field-errors.ts';
import { HYPERPARAMETERS, type Limit } from './hyperparameters.ts';
import { readNumber } from './number.ts';

// The limits of OpenAI, to mark all errors of a form at once. The gateway decides: it checks only what its upstream limits.

const SEED: Limit = { min: 0, max: 2_147_483_647, isInteger: true };
const MAX_SUFFIX = 64;
const MAX_KEY = 64;
const MAX_VALUE = 512;

/** The values that break a limit, in the words of the gateway. Texts that are no numbers break none. */
export function limitErrors(values: DraftValues): FieldErrors {
  const { method, hyperparameters, suffix, seed, metadata, integrations } = values;
  const numbers = HYPERPARAMETERS[method].map(({ name, ...limit }): [string, string | null] => {
    return [`method.${method}.hyperparameters.${name}`, numberProblem(hyperparameters[name], limit, 'auto or ')];
  });
  const texts = metadata.flatMap(({ key, value }, index): [string, string | null][] => {
    const isRepeated = metadata.slice(0, index).some((pair) => pair.key === key);
    const repeated = isRepeated
      ? 'is also the key of an earlier pair; expected a key that is used once, such as team'
      : null;
    return [
      [`metadata.${index}.key`, lengthProblem(key, 1, MAX_KEY) ?? repeated],
      [`metadata.${index}.value`, lengthProblem(value, 0, MAX_VALUE)],
    ];
  });
  const runs = integrations.map(({ project }, index): [string, string | null] => {
    return [`integrations.${index}.wandb.project`, project === '' ? 'is empty; expected a non-empty string' : null];
  });
  const all: [string, string | null][] = [
    ...numbers,
    ['suffix', suffix === '' ? null : lengthProblem(suffix, 1, MAX_SUFFIX)],
    ['seed', numberProblem(seed, SEED, '')],
    ...texts,
    ...runs,
  ];
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

function numberProblem(text = '', limit: Limit, otherwise: string): string | null {
  const value = readNumber(text);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, above = Number.NEGATIVE_INFINITY } = limit;
  if (Number.isNaN(value) || (value >= min && value <= max && value > above)) return null;
  return `is ${value}; expected ${otherwise}${rangeText(limit)}`;
}

function rangeText({ min, max, above, isInteger }: Limit): string {
  const noun = isInteger ? 'an integer' : 'a number';
  if (min !== undefined) return max === undefined ? `${noun} of at least ${min}` : `${noun} from ${min} to ${max}`;
  return [noun, above === undefined ? '' : `above ${above}`, max === undefined ? '' : `and at most ${max}`]
    .filter(Boolean)
    .join(' ');
}

/** Counts code points, as the gateway does. */
function lengthProblem(text: string, min: number, max: number): string | null {
  const { length } = [...text];
  if (length >= min && length <= max) return null;
  const what = min === 0 ? `a string of at most ${max} characters` : `a string of ${min} to ${max} characters`;
  return `${length === 0 ? 'is empty' : `has ${length} characters`}; expected ${what}`;
}
