import {
  type Input,
  orNull,
  readChoice,
  readList,
  readObject,
  readText,
  readWhole,
  withoutKnown,
} from '../api/input-reader.ts';
import { tooManyProperties } from '../api/validation-error.ts';
import { checkGrader } from '../grading/grader-schema.ts';
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
  readonly unknown: Input;
}

export interface AskedMethod {
  readonly type: (typeof METHODS)[number];
  readonly asked: Asked;
  /** Only for reinforcement. */
  readonly grader: object | null;
  /** Other members beside the hyperparameters, such as `response_format`. */
  readonly unknown: Input;
}

const METHODS = ['supervised', 'dpo', 'reinforcement'] as const;
const KNOWN = [
  'model',
  'training_file',
  'validation_file',
  'suffix',
  'seed',
  'metadata',
  'integrations',
  'method',
  'hyperparameters',
];
const MAX_SEED = 2 ** 31 - 1;

/** Throws the Refusal of the first fault. */
export function readCreate(body: unknown): CreateRequest {
  const input = readObject(body ?? {}, 'body');
  return {
    model: readText(input['model'], 'model'),
    trainingFile: readText(input['training_file'], 'training_file'),
    validationFile: orNull(input['validation_file'], (id) => readText(id, 'validation_file')),
    suffix: orNull(input['suffix'], (text) => readText(text, 'suffix', [1, 64])),
    seed: orNull(input['seed'], (seed) => readWhole(seed, 'seed', [0, MAX_SEED])),
    metadata: orNull(input['metadata'], readMetadata),
    integrations: orNull(input['integrations'], readIntegrations) ?? [],
    method: readMethod(input),
    unknown: withoutKnown(input, KNOWN),
  };
}

const MAX_PAIRS = 16;

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  const pairs = Object.entries(readObject(value, 'metadata'));
  if (pairs.length > MAX_PAIRS) throw tooManyProperties('metadata', MAX_PAIRS, pairs.length);
  return Object.fromEntries(
    pairs.map(([key, text]) => {
      readText(key, `metadata.${key}`, [0, 64]);
      return [key, readText(text, `metadata.${key}`, [0, 512])];
    }),
  );
}

function readIntegrations(value: unknown): readonly Wandb[] {
  return readList(value, 'integrations').map((item, index) => {
    const path = `integrations[${index}]`;
    const integration = readObject(item, path);
    readChoice(integration['type'], `${path}.type`, ['wandb']);
    const wandb = readObject(integration['wandb'], `${path}.wandb`);
    const text = (name: string) => orNull(wandb[name], (value) => readText(value, `${path}.wandb.${name}`));
    return {
      project: readText(wandb['project'], `${path}.wandb.project`),
      name: text('name'),
      entity: text('entity'),
      tags: (orNull(wandb['tags'], (tags) => readList(tags, `${path}.wandb.tags`)) ?? []).map((tag) =>
        readText(tag, `${path}.wandb.tags`),
      ),
    };
  });
}

/** Without a method it is supervised, with the hyperparameters that stand beside it: the old way is still taken. */
function readMethod(input: Input): AskedMethod {
  const old = orNull(input['hyperparameters'], (value) => readObject(value, 'hyperparameters')) ?? {};
  const method = orNull(input['method'], (value) => readObject(value, 'method'));
  if (method === null) return { type: 'supervised', asked: readHyperparameters(old, 'supervised'), ...PLAIN };
  const type = readChoice(method['type'], 'method.type', METHODS);
  const path = `method.${type}`;
  const of = orNull(method[type], (value) => readObject(value, path)) ?? {};
  const given = orNull(of['hyperparameters'], (value) => readObject(value, `${path}.hyperparameters`));
  const asked = readHyperparameters(given ?? (type === 'supervised' ? old : {}), type);
  const unknown = withoutKnown(of, ['hyperparameters', ...(type === 'reinforcement' ? ['grader'] : [])]);
  if (type !== 'reinforcement') return { type, asked, grader: null, unknown };
  return { type, asked, grader: checkGrader(of['grader'], `${path}.grader`), unknown };
}

const PLAIN = { grader: null, unknown: {} };
