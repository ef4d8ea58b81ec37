import { z } from 'zod';
import type { Answer, Call, Http } from './http.ts';
import { hyperparametersSchema, methodSchema } from './method.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { path } from './path.ts';
import { orNull, orNullIfUnreadable, timestamp, timestampOrNull } from './repair.ts';

// Errors come in all shapes: what is no string is given as its JSON.
const text = z
  .unknown()
  .optional()
  .transform((value) => (value == null ? null : typeof value === 'string' ? value : JSON.stringify(value)));

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

// What identifies a job has to be right. Of the rest, what cannot be read counts as not there; `raw` has it.
const fields = z.object({
  id: z.string().min(1),
  status: z.string().min(1),
  model: z.string(),
  created_at: timestamp,
  finished_at: timestampOrNull,
  estimated_finish: timestampOrNull,
  error: errorSchema.or(z.string().transform((message) => ({ code: null, message, param: null }))).catch(null),
  organization_id: orNullIfUnreadable(z.string()),
  seed: orNullIfUnreadable(z.int32()), // Past 32 bits GraphQL's Int could not carry it.
  user_provided_suffix: orNullIfUnreadable(z.string()),
  suffix: orNullIfUnreadable(z.string()), // Where other servers put it.
  fine_tuned_model: orNullIfUnreadable(z.string()),
  training_file: orNullIfUnreadable(z.string()),
  validation_file: orNullIfUnreadable(z.string()),
  result_files: z
    .array(z.string())
    .nullish()
    .transform((ids) => ids ?? [])
    .catch([]),
  hyperparameters: orNullIfUnreadable(hyperparametersSchema),
  method: orNullIfUnreadable(methodSchema),
  integrations: z
    .array(integrationSchema)
    .nullish()
    .transform((list) => list ?? [])
    .catch([]),
  metadata: orNullIfUnreadable(z.record(z.string(), z.unknown())),
  trained_tokens: orNullIfUnreadable(z.int()),
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

// An answer to another question, as a broken proxy gives it, is no answer to this one.
function readJobOf(id: string, body: unknown): Job {
  const job = readJob(body);
  if (job.id !== id) throw new Error('id: another than asked for');
  return job;
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
    get: (id, call) => http.find(path`/fine_tuning/jobs/${id}`, (body) => readJobOf(id, body), call),
    list: (page, call) =>
      http.get(path`/fine_tuning/jobs`, page, (body, facts) => readPage(body, page, readJob, facts), call),
  };
}
