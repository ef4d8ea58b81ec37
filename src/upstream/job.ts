import { z } from 'zod';
import type { Answer, Call, Http } from './http.ts';
import type { JobPartsBody } from './job-parts.ts';
import { type Page, type PageRequest, readPage } from './page.ts';
import { path } from './path.ts';
import { orNullIfUnreadable, timestamp, timestampOrNull } from './repair.ts';

// What identifies a job has to be right. Of the rest, what cannot be read counts as not there; `raw` has it.
const fields = z.object({
  id: z.string().min(1),
  status: z.string().min(1),
  model: z.string(),
  created_at: timestamp,
  finished_at: timestampOrNull,
  estimated_finish: timestampOrNull,
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
  trained_tokens: orNullIfUnreadable(z.int()),
});

/** A job as servers write it. */
export type JobBody = z.input<typeof fields> & JobPartsBody;

/**
 * A fine-tuning job in wire spelling, repaired; `raw` is the very object that the upstream sent, from which `job-parts`
 * reads the rest.
 */
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
