import type { CreateFineTuningJobInput, FineTuningJobMethodInput } from '../../operations/generated.ts';
import type { DraftValues, WandbRun } from './draft.ts';
import type { FieldErrors } from './field-errors.ts';
import { EXTRA_EXAMPLE, GRADER_EXAMPLE, GRADER_PATH, HYPERPARAMETERS, REASONING_EFFORT } from './hyperparameters.ts';
import { readGrader, readJsonObject } from './input-json.ts';
import { limitErrors } from './limits.ts';
import { readNumber } from './number.ts';

/** The input of the mutation, or what cannot be sent at all. The gateway checks the values. */
export type EncodedInput =
  | { readonly ok: true; readonly input: CreateFineTuningJobInput }
  | { readonly ok: false; readonly errors: FieldErrors };

const REQUIRED = {
  trainingFileId: 'is empty; upload a file, or choose an uploaded one',
  modelId: 'is empty; expected the id of a model, such as gpt-4.1-mini',
} as const;

export function encodeDraft(values: DraftValues, idempotencyKey: string): EncodedInput {
  const errors: Record<string, string> = {};
  for (const [path, message] of Object.entries(REQUIRED)) {
    if (values[path as keyof typeof REQUIRED] === '') errors[path] = message; // A key of REQUIRED.
  }
  const seed = values.seed === '' ? null : readNumber(values.seed);
  if (seed !== null && !Number.isSafeInteger(seed)) errors['seed'] = 'is no whole number; expected one such as 42';
  const method = encodeMethod(values, errors);
  const extra = encodeExtra('extra', values.extra, errors);
  if (Object.keys(errors).length > 0) return { ok: false, errors: { ...limitErrors(values), ...errors } };
  const input = {
    trainingFileId: values.trainingFileId,
    validationFileId: values.validationFileId || null,
    modelId: values.modelId,
    suffix: values.suffix || null,
    seed,
    integrations: values.integrations.length === 0 ? null : values.integrations.map(encodeRun),
    metadata: values.metadata.length === 0 ? null : values.metadata,
    method,
    extra,
    idempotencyKey,
  };
  return { ok: true, input };
}

/** Writes what is no number or no JSON into `errors`. */
function encodeMethod(values: DraftValues, errors: Record<string, string>): FineTuningJobMethodInput | null {
  const { method } = values;
  if (method === '') return null;
  const hyperparameters: Record<string, unknown> = {};
  for (const { name, isInteger } of HYPERPARAMETERS[method]) {
    const text = values.hyperparameters[name]?.trim() ?? '';
    if (text === '' || text === 'auto') continue;
    const value = readNumber(text);
    const isValid = isInteger ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!isValid) {
      const kind = isInteger ? 'whole number' : 'number';
      errors[`method.${method}.hyperparameters.${name}`] = `is no ${kind}; expected one, or nothing for auto`;
    }
    hyperparameters[name] = value;
  }
  const extra = encodeExtra(`method.${method}.extra`, values.methodExtra, errors);
  if (method !== 'reinforcement') return { [method]: { hyperparameters, extra } } as FineTuningJobMethodInput; // One key.
  const effort = values.hyperparameters[REASONING_EFFORT];
  if (effort) hyperparameters[REASONING_EFFORT] = effort;
  const grader = readGrader(values.grader, GRADER_EXAMPLE);
  if ('problem' in grader) errors[GRADER_PATH] = grader.problem;
  const checked = 'problem' in grader ? null : grader.value;
  return { reinforcement: { hyperparameters, grader: checked, extra } } as FineTuningJobMethodInput; // A GraderInput.
}

/** Null for an empty text. */
function encodeExtra(path: string, text: string, errors: Record<string, string>): object | null {
  if (text.trim() === '') return null;
  const read = readJsonObject(text, EXTRA_EXAMPLE);
  if (!('problem' in read)) return read.value;
  errors[path] = read.problem;
  return null;
}

function encodeRun({ project, entity, name, tags }: WandbRun) {
  const list = tags.split('\n').map((tag) => tag.trim());
  const wandb = { project, entity: entity || null, name: name || null, tags: list.filter((tag) => tag !== '') };
  return { wandb };
}
