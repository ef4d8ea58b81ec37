import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import type { JobPartsBody } from './job-parts.ts';
import { identifier, nullIfInvalid, requireId, timestamp, timestampOrNull } from './lenient-schema.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

const MAX_RESULT_FILES = 100;

// What identifies a job has to be right. Of the rest, what cannot be read counts as not there; `raw` has it.
const fields = z.object({
  id: identifier,
  status: z.string().min(1),
  model: z.string(),
  created_at: timestamp,
  finished_at: timestampOrNull,
  estimated_finish: timestampOrNull,
  organization_id: nullIfInvalid(z.string()),
  seed: nullIfInvalid(z.int32()), // Past 32 bits GraphQL's Int could not carry it.
  user_provided_suffix: nullIfInvalid(z.string()),
  suffix: nullIfInvalid(z.string()), // Where other servers put it.
  fine_tuned_model: nullIfInvalid(z.string()),
  training_file: nullIfInvalid(z.string()),
  validation_file: nullIfInvalid(z.string()),
  result_files: z
    .array(z.string())
    .nullish()
    .transform((ids) => (ids ?? []).slice(0, MAX_RESULT_FILES)) // Each is a file to read.
    .catch([]),
  trained_tokens: nullIfInvalid(z.int()),
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

// All spellings seen in servers of the dialect (docs/upstream.md: Other servers), in lower case.
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

/** Which jobs: a page of those that carry all of these metadata pairs, where the server knows that filter. */
export interface JobPageRequest extends PageRequest {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface JobResource {
  /** GET /fine_tuning/jobs/{id}; null when there is none. Throws UpstreamError. */
  get(id: string, call: Call): Promise<Job | null>;
  /** GET /fine_tuning/jobs, newest first. Throws UpstreamError. */
  list(request: JobPageRequest, call: Call): Promise<Page<Job>>;
  /**
   * POST /fine_tuning/jobs, once whatever comes of it. Throws UpstreamError, of which `isOutcomeUnknown` tells whether there
   * may be a job all the same; after the reason of the call's signal nobody can tell.
   */
  create(body: object, call: Call): Promise<Job>;
  /** POST /fine_tuning/jobs/{id}/cancel, /pause or /resume; null when there is none. Throws UpstreamError. */
  cancel(id: string, call: Call): Promise<Job | null>;
  pause(id: string, call: Call): Promise<Job | null>;
  resume(id: string, call: Call): Promise<Job | null>;
}

export function createJobResource(rest: RestClient): JobResource {
  return {
    get: (id, call) => rest.getOrNull(path`/fine_tuning/jobs/${id}`, (body) => requireId(id, readJob(body)), call),
    list: ({ metadata = {}, ...page }, call) =>
      rest.get(path`/fine_tuning/jobs`, { ...page, ...metadataQuery(metadata) }, readPage(page, readJob), call),
    create: (body, call) => rest.post(path`/fine_tuning/jobs`, body, readJob, call),
    cancel: (id, call) =>
      rest.postOrNull(path`/fine_tuning/jobs/${id}/cancel`, (body) => requireId(id, readJob(body)), call),
    pause: (id, call) =>
      rest.postOrNull(path`/fine_tuning/jobs/${id}/pause`, (body) => requireId(id, readJob(body)), call),
    resume: (id, call) =>
      rest.postOrNull(path`/fine_tuning/jobs/${id}/resume`, (body) => requireId(id, readJob(body)), call),
  };
}

// `metadata[key]=value`, once for each pair (docs/upstream.md: Metadata filter).
function metadataQuery(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value]));
}
