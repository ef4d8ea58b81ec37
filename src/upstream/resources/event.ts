import { z } from 'zod';
import type { MemoryCache } from '../../memory-cache.ts';
import { path } from '../http/path.ts';
import type { RestClient } from '../http/rest-client.ts';
import { membersOf } from '../json/members.ts';
import { readNumber } from '../json/number.ts';
import { createListReader } from '../lists/list-reader.ts';
import type { Call } from '../resilience/transport.ts';
import { createDerivedCursors } from './derived-cursor.ts';
import { withDerivedIds } from './derived-id.ts';
import { identifier, jsonOrNull, textOrEmpty, textOrNull, timestamp } from './lenient-schema.ts';
import { createReader } from './object-reader.ts';
import { byCreation, type Page, type PageItem, type PageRequest, readList } from './page.ts';

// `level` and `type` are open sets. `data` is any JSON: {}, null or absent in plain messages, nested for reinforcement
// (docs/upstream.md: Objects, Event log, Metrics events).
const fields = z.object({
  id: identifier,
  created_at: timestamp,
  level: textOrEmpty,
  message: textOrEmpty,
  type: textOrNull,
  data: jsonOrNull,
});
const content = fields.omit({ id: true });

/** The body of an event, as servers send it. */
export type EventBody = z.input<typeof fields>;

/** One event of a job's event log, in wire spelling; invalid members are null. */
export type JobEvent = z.output<typeof fields>;

/** Parses an event. Throws a ZodError when id or created_at is invalid. */
export const readEvent: (body: unknown) => JobEvent = createReader(fields);

/** Returns whether an event ends the log. All checkpoints exist by then (docs/upstream.md: Event log). */
export function isFinalEvent({ message }: JobEvent): boolean {
  return /^(the job has|fine.tuning job) successfully completed/i.test(message);
}

export interface EventResource {
  /**
   * GET /fine_tuning/jobs/{id}/events, newest first; events without an id get a derived one. A page can be longer than its
   * limit. Throws UpstreamError.
   */
  list(jobId: string, page: PageRequest, call: Call): Promise<Page<JobEvent>>;
}

export function createEventResource(rest: RestClient, memoryCache: MemoryCache): EventResource {
  const identityOf = (jobId: string) => (body: unknown) => {
    const { success, data } = content.safeParse(body);
    return success ? { job: jobId, ...data } : null;
  };
  const readItems = readList(readEvent);
  const readBody =
    (jobId: string): typeof readItems =>
    (body, facts) =>
      readItems(withDerivedIds(body, identityOf(jobId)), facts);
  const readByCursor = createDerivedCursors();
  const lists = createListReader<PageItem<JobEvent>>({
    compareAge: byCreation,
    memoryCache,
    name: 'event',
    stepOf,
    isLog: true,
    isUncut: true,
  });
  return {
    list: (jobId, page, call) =>
      lists.page(page, {
        credential: call.credential,
        name: jobId,
        fetch: (request) =>
          readByCursor(request, (read) =>
            rest.get(path`/fine_tuning/jobs/${jobId}/events`, { ...read }, readBody(jobId), call),
          ),
      }),
  };
}

function stepOf({ value }: PageItem<JobEvent>): number | null {
  return readNumber(membersOf(value?.data)['step']);
}
