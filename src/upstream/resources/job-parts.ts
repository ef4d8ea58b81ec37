import { z } from 'zod';
import { firstMembers, isObject, type Members } from '../json/members.ts';
import { toText } from '../json/text.ts';
import { isMarkName, MARK_PAIRS, removeMark } from './idempotency-mark.ts';
import { firstItems, nullIfInvalid, orNull, positiveStepOrNull, textList, textOrNull } from './lenient-schema.ts';
import { hyperparametersSchema, methodSchema } from './method.ts';

// The members of a job that few queries select. Parsing them takes half the time of parsing a job, and none can fail: each
// is parsed from the body on demand, and once: a query can select it many times by aliases.

// The members of an error can have any type: those that are not strings become JSON text.
const text = z
  .unknown()
  .optional()
  .transform((value) => (value == null || value === '' ? null : toText(value)));

// No error is null, {}, an object of nulls, or absent (docs/upstream.md: Objects).
const errorSchema = z
  .object({ code: text, message: text, param: text })
  .nullish()
  .transform((error) => (error && (error.code !== null || error.message !== null) ? error : null));

const wandbSchema = z.object({
  project: z.string(),
  name: textOrNull,
  entity: textOrNull,
  tags: textList,
  run_id: textOrNull,
});
const integrationSchema = z
  .object({ type: z.string(), wandb: nullIfInvalid(wandbSchema) })
  .catch({ type: '', wandb: null });

const error = z.object({
  error: errorSchema
    .or(z.string().transform((message) => (message === '' ? null : { code: null, message, param: null })))
    .catch(null),
});
// Nebius counts the steps in the job (docs/upstream.md: Other servers).
const steps = z.object({ trained_steps: positiveStepOrNull, total_steps: positiveStepOrNull });
const hyperparameters = z.object({ hyperparameters: nullIfInvalid(hyperparametersSchema) });
const method = z.object({ method: nullIfInvalid(methodSchema) });
const MAX_INTEGRATIONS = 100;
const integrations = z.object({
  integrations: orNull(firstItems(integrationSchema.nullable(), MAX_INTEGRATIONS))
    .transform((list) => (list ?? []).filter((integration) => integration !== null))
    .catch([]),
});
/** OpenAI allows 16. */
const MAX_PAIRS = 100;
// z.record would drop the key `__proto__`.
const metadata = z.object({ metadata: nullIfInvalid(z.custom<Members>(isObject)) });

export type JobError = NonNullable<z.output<typeof errorSchema>>;
export type Integration = z.output<typeof integrationSchema>;

/** The bodies of these members, as servers send them. */
export type JobPartsBody = z.input<typeof error> &
  z.input<typeof steps> &
  z.input<typeof hyperparameters> &
  z.input<typeof method> & { readonly integrations?: readonly unknown[] | null } & z.input<typeof metadata>;

/** A metadata pair. */
export interface MetadataPair {
  readonly key: string;
  /** The JSON text of a value that is not a string, as some servers allow. */
  readonly value: string;
}

interface HasBody {
  /** The object that the upstream sent. */
  raw: unknown;
}

/** Returns the error of a failed job; null when it has none. */
export const errorOf = oncePerBody((raw) => error.parse(raw).error);
/** Returns the last completed step and the number of all steps; null when the server does not count them in the job. */
export const stepsOf = ({ raw }: HasBody) => steps.parse(raw);
/** Returns null when the server does not send them. */
export const hyperparametersOf = ({ raw }: HasBody) => hyperparameters.parse(raw).hyperparameters;
/** Returns null for jobs that are older than methods. */
export const methodOf = oncePerBody((raw) => method.parse(raw).method);
export const integrationsOf = oncePerBody((raw) => integrations.parse(raw).integrations);
/** Returns the first 100 metadata pairs without the gateway's own. */
export const metadataOf = oncePerBody(readPairs);
/** Returns the object that the upstream sent, without the gateway's own metadata pairs. */
export const rawOf = oncePerBody(removeMark);

/** Whether the metadata of a job has all of these pairs. */
export function hasPairs({ raw }: HasBody, required: Readonly<Record<string, string>>): boolean {
  const pairs = metadata.parse(raw).metadata ?? {};
  return Object.entries(required).every(([key, value]) => Object.hasOwn(pairs, key) && toText(pairs[key]) === value);
}

function readPairs(raw: unknown): MetadataPair[] {
  const pairs = Object.entries(firstMembers(metadata.parse(raw).metadata ?? {}, MAX_PAIRS + MARK_PAIRS));
  const visible = pairs.filter(([key]) => !isMarkName(key)).slice(0, MAX_PAIRS);
  return visible.map(([key, value]) => ({ key, value: toText(value) }));
}

/** Returns a reader that parses each body once. */
function oncePerBody<T>(read: (raw: unknown) => T): (job: HasBody) => T {
  const results = new WeakMap<object, T>();
  return ({ raw }) => {
    const body = Object(raw); // An object in every job.
    const known = results.get(body);
    if (known !== undefined || results.has(body)) return known as T; // `T` can include null, but not undefined.
    const result = read(raw);
    results.set(body, result);
    return result;
  };
}
