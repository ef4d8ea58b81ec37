import { z } from 'zod';
import { isObject } from '../json/members.ts';
import { removeMarkPairs } from './idempotency-mark.ts';
import { nullIfInvalid, positiveStepOrNull, textList, textOrNull } from './lenient-schema.ts';
import { hyperparametersSchema, methodSchema } from './method.ts';

// The members of a job that few queries select. Parsing them takes half the time of parsing a job, and none can fail: each
// is parsed from the body on demand.

// The members of an error can have any type: those that are not strings become JSON text.
const text = z
  .unknown()
  .optional()
  .transform((value) =>
    value == null || value === '' ? null : typeof value === 'string' ? value : JSON.stringify(value),
  );

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
  integrations: z
    .array(z.unknown())
    .nullish()
    .transform((list) => (list ?? []).filter((body) => body !== null).slice(0, MAX_INTEGRATIONS))
    .transform((list) => list.map((body) => integrationSchema.parse(body)))
    .catch([]),
});
// z.record would drop the key `__proto__`.
const metadata = z.object({ metadata: nullIfInvalid(z.custom<Readonly<Record<string, unknown>>>(isObject)) });

export type JobError = NonNullable<z.output<typeof errorSchema>>;
export type Integration = z.output<typeof integrationSchema>;

/** The bodies of these members, as servers send them. */
export type JobPartsBody = z.input<typeof error> &
  z.input<typeof steps> &
  z.input<typeof hyperparameters> &
  z.input<typeof method> &
  z.input<typeof integrations> &
  z.input<typeof metadata>;

interface HasBody {
  /** The object that the upstream sent. */
  raw: unknown;
}

/** Returns the error of a failed job; null when it has none. */
export const errorOf = ({ raw }: HasBody) => error.parse(raw).error;
/** Returns the last completed step and the number of all steps; null when the server does not count them in the job. */
export const stepsOf = ({ raw }: HasBody) => steps.parse(raw);
/** Returns null when the server does not send them. */
export const hyperparametersOf = ({ raw }: HasBody) => hyperparameters.parse(raw).hyperparameters;
/** Returns null for jobs that are older than methods. */
export const methodOf = ({ raw }: HasBody) => method.parse(raw).method;
export const integrationsOf = ({ raw }: HasBody) => integrations.parse(raw).integrations;
/** Returns the metadata without the gateway's own pairs; null when none is left. */
export const metadataOf = ({ raw }: HasBody) => removeMarkPairs(metadata.parse(raw).metadata);
