import { z } from 'zod';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import type { Call } from '../resilience/transport.ts';
import { identifier, nullIfInvalid, timestamp } from './lenient-schema.ts';
import { type Page, type PageRequest, readPage } from './page.ts';

// `level` and `type` are open sets, `data` is any JSON: {}, null or absent on plain messages, nested for reinforcement
// (docs/upstream.md: Objects, Event log, Metrics events).
const fields = z.object({
  id: identifier,
  created_at: timestamp,
  level: z.string().catch(''),
  message: z.string().catch(''),
  type: nullIfInvalid(z.string()),
  data: z
    .unknown()
    .optional()
    .transform((data) => data ?? null),
});

/** An event as servers write it. */
export type EventBody = z.input<typeof fields>;

/** One line of a job's log, in wire spelling, repaired. */
export type JobEvent = z.output<typeof fields>;

/** Throws a ZodError when the body lacks what identifies an event: id, created_at. */
export function readEvent(body: unknown): JobEvent {
  return fields.parse(body);
}

/** After this event a job's log says nothing more, and its checkpoints are all there (docs/upstream.md: Event log). */
export function isFinalEvent({ message }: JobEvent): boolean {
  return /^(the job has|fine.tuning job) successfully completed/i.test(message);
}

export interface EventResource {
  /** GET /fine_tuning/jobs/{id}/events, newest first. Throws UpstreamError. */
  list(jobId: string, page: PageRequest, call: Call): Promise<Page<JobEvent>>;
}

export function createEventResource(rest: RestClient): EventResource {
  return {
    list: (jobId, page, call) =>
      rest.get(path`/fine_tuning/jobs/${jobId}/events`, { ...page }, readPage(page, readEvent), call),
  };
}
