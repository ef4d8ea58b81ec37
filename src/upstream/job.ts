import { z } from 'zod';
import type { Answer, Call, Http } from './http.ts';
import { hyperparametersSchema, methodSchema } from './method.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { path } from './path.ts';
import { orNull, orNullIfUnreadable, timestamp, timestampOrNull } from './repair.ts';

const text = orNull(z.coerce.string());

// Four shapes mean "no error": null, {}, all members null, absent (UPSTREAM.md 1.4).
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
  .object({ type: z.string(), wandb: orNullIfUnreadable(wandbSchema) })
  .catch({ type: '', wandb: null });

const fields = z.object({
  id: z.string().min(1),
  status: z.string().min(1),
  model: z.string(),
  created_at: timestamp,
  finished_at: timestampOrNull,
  estimated_finish: timestampOrNull,
  error: errorSchema.or(z.string().transform((message) => ({ code: null, message, param: null }))).catch(null),
  organization_id: orNull(z.string()),
  seed: orNullIfUnreadable(z.int32()), // Past 32 bits GraphQL's Int could not carry it.
  user_provided_suffix: orNull(z.string()),
  suffix: orNull(z.string()), // Where other servers put it.
  fine_tuned_model: orNull(z.string()),
  training_file: orNull(z.string()),
  validation_file: orNull(z.string()),
  result_files: z
    .array(z.string())
    .nullish()
    .transform((ids) => ids ?? []),
  hyperparameters: orNullIfUnreadable(hyperparametersSchema),
  method: orNullIfUnreadable(methodSchema),
  integrations: z
    .array(integrationSchema)
    .nullish()
    .transform((list) => list ?? [])
    .catch([]),
  metadata: orNullIfUnreadable(z.record(z.string(), z.unknown())),
  trained_tokens: orNull(z.int()),
});

export type JobError = NonNullable<z.output<typeof errorSchema>>;
export type Integration = z.output<typeof integrationSchema>;
export type WandbIntegration = z.output<typeof wandbSchema>;

/** A job as servers write it. */
export type JobBody = z.input<typeof fields>;

/** A fine-tuning job in wire spelling, repaired; `raw` is the very object that the upstream sent. */
export type Job = z.output<typeof fields> & { raw: unknown };

/** Throws a ZodError when the body lacks what identifies a job: id, status, model, created_at. */
export function readJob(body: unknown): Job {
  return { ...fields.parse(body), raw: body };
}

// All spellings seen in servers of the dialect (UPSTREAM.md 5), in lower case.
const TERMINAL = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'canceled',
  'deleted',
  'success',
  'failed_validation',
  'completed',
  'error',
]);

/** Whether the job has come to its end and will not move again. */
export function isTerminal(job: Pick<Job, 'status'>): boolean {
  return TERMINAL.has(job.status.toLowerCase());
}

export interface JobResource {
  /** GET /fine_tuning/jobs/{id}; null when there is none. Throws UpstreamError. */
  get(id: string, call: Call): Promise<Answer<Job | null>>;
  /** GET /fine_tuning/jobs, newest first. Throws UpstreamError. */
  list(page: PageRequest, call: Call): Promise<Answer<Page<Job>>>;
}

export function createJobResource(http: Http): JobResource {
  return {
    get: (id, call) => http.find(path`/fine_tuning/jobs/${id}`, readJob, call),
    list: (page, call) => http.get(path`/fine_tuning/jobs`, page, (body) => readPage(body, page.limit, readJob), call),
  };
}
