import { z } from 'zod';
import { isObject } from '../json/members.ts';
import { removeMarkPairs } from './idempotency-mark.ts';
import { nullIfInvalid, orNull } from './lenient-schema.ts';
import { hyperparametersSchema, methodSchema } from './method.ts';

// The parts of a job that few queries ask for. They are half of what reading a job takes, and none of them can fail: so
// each is read from the body when it is asked for.

// Errors come in all shapes: what is no string is given as its JSON.
const text = z
  .unknown()
  .optional()
  .transform((value) => (value == null ? null : typeof value === 'string' ? value : JSON.stringify(value)));

// Four shapes mean "no error": null, {}, all members null, absent (docs/upstream.md: Objects).
const errorSchema = z
  .object({ code: text, message: text, param: text })
  .nullish()
  .transform((error) => (error && (error.code !== null || error.message !== null) ? error : null));

const wandbSchema = z.object({
  project: z.string(),
  name: orNull(z.string()),
  entity: orNull(z.string()),
  tags: z
    .array(z.string())
    .nullish()
    .transform((tags) => tags ?? []),
  run_id: orNull(z.string()),
});
const integrationSchema = z
  .object({ type: z.string(), wandb: nullIfInvalid(wandbSchema) })
  .catch({ type: '', wandb: null });

const error = z.object({
  error: errorSchema.or(z.string().transform((message) => ({ code: null, message, param: null }))).catch(null),
});
const hyperparameters = z.object({ hyperparameters: nullIfInvalid(hyperparametersSchema) });
const method = z.object({ method: nullIfInvalid(methodSchema) });
const MAX_INTEGRATIONS = 100;
const integrations = z.object({
  integrations: z
    .array(z.unknown())
    .nullish()
    .transform((list) => (list ?? []).slice(0, MAX_INTEGRATIONS).map((body) => integrationSchema.parse(body)))
    .catch([]),
});
const metadata = z.object({ metadata: nullIfInvalid(z.custom<Readonly<Record<string, unknown>>>(isObject)) }); // A record would lose the key `__proto__`.

export type JobError = NonNullable<z.output<typeof errorSchema>>;
export type Integration = z.output<typeof integrationSchema>;

/** The parts as servers write them. */
export type JobPartsBody = z.input<typeof error> &
  z.input<typeof hyperparameters> &
  z.input<typeof method> &
  z.input<typeof integrations> &
  z.input<typeof metadata>;

interface HasBody {
  /** The object that the upstream sent. */
  raw: unknown;
}

/** Why a job failed; null when it did not. */
export const errorOf = ({ raw }: HasBody) => error.parse(raw).error;
/** Null when the server does not tell. */
export const hyperparametersOf = ({ raw }: HasBody) => hyperparameters.parse(raw).hyperparameters;
/** Null on jobs from before methods existed. */
export const methodOf = ({ raw }: HasBody) => method.parse(raw).method;
export const integrationsOf = ({ raw }: HasBody) => integrations.parse(raw).integrations;
/** Null when there is none. What only the gateway has put there is not shown. */
export const metadataOf = ({ raw }: HasBody) => removeMarkPairs(metadata.parse(raw).metadata);
