import type { DraftValues } from './draft.ts';
import { GRADER_PATH, HYPERPARAMETERS, REASONING_EFFORT } from './hyperparameters.ts';

/** Messages by the path of a field in the input, such as `metadata.0.key`. */
export type FieldErrors = Readonly<Record<string, string>>;

interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

const RUN_FIELDS = ['project', 'entity', 'name', 'tags'];

/** The paths of all fields that the form shows, in its order. */
function shownPaths({ method, metadata, integrations }: DraftValues): string[] {
  const names = HYPERPARAMETERS[method].map(({ name }) => name);
  if (method === 'reinforcement') names.push(REASONING_EFFORT);
  return [
    'trainingFileId',
    'validationFileId',
    'modelId',
    'method',
    ...(method === 'reinforcement' ? [GRADER_PATH] : []),
    ...names.map((name) => `method.${method}.hyperparameters.${name}`),
    ...(method === '' ? [] : [`method.${method}.extra`]),
    'suffix',
    'seed',
    'metadata',
    ...metadata.flatMap((_, index) => [`metadata.${index}.key`, `metadata.${index}.value`]),
    'integrations',
    ...integrations.flatMap((_, index) => RUN_FIELDS.map((name) => `integrations.${index}.wandb.${name}`)),
    'extra',
  ];
}

/**
 * Assigns each issue to the field with the longest path that contains it, and keeps its rest of the path in the message.
 * `others` are those of no field.
 */
export function placeIssues(
  issues: readonly InputIssue[],
  values: DraftValues,
): { readonly errors: FieldErrors; readonly others: readonly string[] } {
  const paths = shownPaths(values).sort((a, b) => b.length - a.length);
  const errors: Record<string, string> = {};
  const others: string[] = [];
  for (const { path, message } of issues) {
    const whole = path.join('.');
    const field = paths.find((candidate) => whole === candidate || whole.startsWith(`${candidate}.`));
    if (field === undefined) {
      others.push(whole === '' ? message : `${whole}: ${message}`);
      continue;
    }
    const rest = whole.slice(field.length + 1);
    const text = rest === '' ? message : `${rest}: ${message}`;
    errors[field] = errors[field] === undefined ? text : `${errors[field]}; ${text}`;
  }
  return { errors, others };
}

const IDS = ['trainingFileId', 'validationFileId', 'modelId'] as const;

/** Assigns a sentence of the upstream to the field whose id it names; no error when it names none. */
export function placeRejection(sentence: string | null, values: DraftValues): FieldErrors {
  const field = IDS.find((name) => values[name] !== '' && sentence !== null && namesId(sentence, values[name]));
  return field === undefined || sentence === null ? {} : { [field]: sentence };
}

/** Whether a sentence has an id that is not a part of a longer word. */
const namesId = (sentence: string, id: string) =>
  sentence.split(id).some((after, index, parts) => {
    const before = parts[index - 1];
    return before !== undefined && !/[\w-]$/.test(before) && !/^[\w-]/.test(after);
  });

/** The errors without those of fields that changed: they may be mended, and rows may have other indices. */
export function withoutChanged(errors: FieldErrors, before: DraftValues, changes: Partial<DraftValues>): FieldErrors {
  const isMended = (path: string) => changedPaths(before, changes).some((changed) => isWithin(path, changed));
  return Object.fromEntries(Object.entries(errors).filter(([path]) => !isMended(path)));
}

const isWithin = (path: string, outer: string) => path === outer || path.startsWith(`${outer}.`);

function changedPaths({ method, hyperparameters }: DraftValues, changes: Partial<DraftValues>): string[] {
  return Object.keys(changes).flatMap((name) => {
    switch (name) {
      case 'hyperparameters': {
        const names = Object.keys(changes.hyperparameters ?? {});
        const changed = names.filter((key) => changes.hyperparameters?.[key] !== hyperparameters[key]);
        return changed.map((key) => `method.${method}.hyperparameters.${key}`);
      }
      case 'grader':
        return [GRADER_PATH];
      case 'methodExtra':
        return [`method.${method}.extra`];
      default:
        return [name];
    }
  });
}
