import { z } from 'zod';
import type { MemoryCache } from '../../memory-cache.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import { createListReader } from '../lists/list-reader.ts';
import type { Call } from '../resilience/transport.ts';
import type { JobPartsBody } from './job-parts.ts';
import {
  identifier,
  int32OrNull,
  integerOrNull,
  nonEmptyText,
  requireId,
  text,
  textList,
  textOrNull,
  timestamp,
  timestampOrNull,
} from './lenient-schema.ts';
import { createLazyReader, type Lazy } from './object-reader.ts';
import { byCreation, type Page, type PageItem, type PageRequest, readList } from './page.ts';

// The members that identify a job must be valid. Invalid other members become null; `raw` still has them.
const fields = z.object({
  id: identifier,
  status: nonEmptyText,
  model: text,
  created_at: timestamp,
  finished_at: timestampOrNull,
  estimated_finish: timestampOrNull,
  organization_id: textOrNull,
  seed: int32OrNull,
  user_provided_suffix: textOrNull,
  suffix: textOrNull, // The name of `user_provided_suffix` in other servers.
  fine_tuned_model: textOrNull,
  training_file: textOrNull,
  validation_file: textOrNull,
  result_files: textList,
  trained_tokens: integerOrNull,
});

/** The body of a job, as servers send it. */
export type JobBody = z.input<typeof fields> & JobPartsBody;

/**
 * A fine-tuning job in wire spelling; invalid members are null. `raw` is the unchanged object of the upstream, from which each
 * member is parsed when it is read, and `job-parts` parses the others. The members are not its own: never spread a job.
 */
export type Job = Lazy<z.output<typeof fields>>;

/** Parses a job. Throws a ZodError when id, status, model or created_at is invalid. */
export const readJob: (body: unknown) => Job = createLazyReader(fields);

// All spellings of terminal statuses in servers of the dialect (docs/upstream.md: Other servers), in lower case.
const TERMINAL_STATUSES = new Set([
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

/** Returns whether the status of a job is terminal: it cannot change any more. */
export function isTerminal(job: Pick<Job, 'status'>): boolean {
  return TERMINAL_STATUSES.has(job.status.toLowerCase());
}

/** Selects a page of the jobs with all of these metadata pairs. Some servers ignore that filter. */
export interface JobPageRequest extends PageRequest {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface JobResource {
  /** GET /fine_tuning/jobs/{id}; null when it does not exist. Throws UpstreamError. */
  get(id: string, call: Call): Promise<Job | null>;
  /** GET /fine_tuning/jobs, newest first. Throws UpstreamError. */
  list(request: JobPageRequest, call: Call): Promise<Page<Job>>;
  /**
   * POST /fine_tuning/jobs, never retried. Throws UpstreamError; `isOutcomeUnknown` says whether the job may have been
   * created despite the error. That is unknown too when it rejects with the reason of the call's signal.
   */
  create(body: object, call: Call): Promise<Job>;
  /** POST /fine_tuning/jobs/{id}/cancel; null when the job does not exist. Throws UpstreamError. */
  cancel(id: string, call: Call): Promise<Job | null>;
  /** POST /fine_tuning/jobs/{id}/pause; null when the job does not exist. Throws UpstreamError. */
  pause(id: string, call: Call): Promise<Job | null>;
  /** POST /fine_tuning/jobs/{id}/resume; null when the job does not exist. Throws UpstreamError. */
  resume(id: string, call: Call): Promise<Job | null>;
}

export function createJobResource(rest: RestClient, memoryCache: MemoryCache): JobResource {
  const lists = createListReader<PageItem<Job>>({ compareAge: byCreation, memoryCache, name: 'job' });
  const readJobs = readList(readJob);
  const readJobWithId = (id: string) => (body: unknown) => requireId(id, readJob(body));
  return {
    get: (id, call) => rest.getOrNull(path`/fine_tuning/jobs/${id}`, readJobWithId(id), call),
    list: ({ metadata = {}, limit, after }, call) =>
      lists.page(
        { limit, after },
        {
          credential: call.credential,
          name: JSON.stringify(metadata),
          fetch: (request) =>
            rest.get(path`/fine_tuning/jobs`, { ...request, ...metadataQuery(metadata) }, readJobs, call),
        },
      ),
    create: (body, call) => rest.post(path`/fine_tuning/jobs`, body, readJob, call),
    cancel: (id, call) => rest.postOrNull(path`/fine_tuning/jobs/${id}/cancel`, readJobWithId(id), call),
    pause: (id, call) => rest.postOrNull(path`/fine_tuning/jobs/${id}/pause`, readJobWithId(id), call),
    resume: (id, call) => rest.postOrNull(path`/fine_tuning/jobs/${id}/resume`, readJobWithId(id), call),
  };
}

// One `metadata[key]=value` per pair (docs/upstream.md: Metadata filter).
function metadataQuery(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value]));
}
