// A page of an event log as JSON text, for other replicas. Events keep their wire spelling, so the upstream's parser reads them again.
import { z } from 'zod';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { type JobEvent, readEvent } from '../../upstream/resources/event.ts';
import type { Page, PageItem } from '../../upstream/resources/page.ts';

const unreadable = z.object({
  id: z.string().nullable(),
  digest: z.string().optional(),
  detail: z.string(),
  facts: z.object({
    upstreamStatus: z.number().optional(),
    upstreamRequestId: z.string().optional(),
    retryAfterSeconds: z.number().optional(),
  }),
});
const schema = z.object({
  items: z.array(z.union([z.object({ event: z.unknown() }), z.object({ unreadable })])),
  hasMore: z.boolean(),
});

type SharedItem = z.input<typeof schema>['items'][number];

export function writeSharedPage({ items, hasMore }: Page<JobEvent>): string {
  return JSON.stringify({ items: items.map(writeItem), hasMore } satisfies z.input<typeof schema>);
}

/** Parses what `writeSharedPage` has returned. Throws a SyntaxError or a ZodError. */
export function readSharedPage(text: string): Page<JobEvent> {
  const { items, hasMore } = schema.parse(JSON.parse(text));
  return { items: items.map(readItem), hasMore };
}

function writeItem({ id, value, error, digest }: PageItem<JobEvent>): SharedItem {
  if (value) return { event: value };
  const { detail, facts } = error;
  return { unreadable: { id, detail, facts, ...(digest !== undefined && { digest }) } };
}

function readItem(item: z.output<typeof schema>['items'][number]): PageItem<JobEvent> {
  if ('event' in item) {
    const value = readEvent(item.event);
    return { id: value.id, value };
  }
  const { id, digest, detail, facts } = item.unreadable;
  const error = new UpstreamError('UPSTREAM_INVALID_RESPONSE', detail, facts);
  return digest === undefined ? { id, error } : { id, error, digest };
}
