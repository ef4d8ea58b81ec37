import { membersOf } from '../json/members.ts';

// The mark of a job that was created with an idempotency key: two metadata pairs by which the gateway finds the job again.
// Clients of the upstream see them; clients of the gateway do not.

const KEY = 'finetune_gateway_key';
const REQUEST = 'finetune_gateway_request';

/** Metadata pairs of a mark. */
export const MARK_PAIRS = 2;

/** Digests of the idempotency key and of the request. */
export interface IdempotencyMark {
  readonly key: string;
  readonly request: string;
}

interface HasBody {
  /** The object that the upstream sent. */
  readonly raw: unknown;
}

/** Returns whether a metadata key belongs to a mark. */
export const isMarkName = (name: string) => name === KEY || name === REQUEST;

/** Returns the metadata pair that identifies the job of a mark. */
export const metadataFilterOf = ({ key }: IdempotencyMark): Readonly<Record<string, string>> => ({ [KEY]: key });

/** Adds a mark to the metadata of a request. */
export function addMark(request: object, { key, request: digest }: IdempotencyMark): object {
  const metadata = membersOf(membersOf(request)['metadata']);
  return { ...request, metadata: { ...metadata, [KEY]: key, [REQUEST]: digest } };
}

/** Returns whether a job was created with the key of this mark. */
export const hasKeyOf = (job: HasBody, { key }: IdempotencyMark) => metadataIn(job.raw)[KEY] === key;

/** Returns whether a job was created by the request of this mark. */
export const hasRequestOf = (job: HasBody, { request }: IdempotencyMark) => metadataIn(job.raw)[REQUEST] === request;

/** Returns the metadata without the pairs of a mark: null when none is left, the same object when it has no mark. */
export function removeMarkPairs<T>(metadata: Readonly<Record<string, T>> | null): Readonly<Record<string, T>> | null {
  if (metadata === null || !(Object.hasOwn(metadata, KEY) || Object.hasOwn(metadata, REQUEST))) return metadata;
  const remaining = Object.entries(metadata).filter(([name]) => !isMarkName(name));
  return remaining.length === 0 ? null : Object.fromEntries(remaining);
}

/** Removes the mark from the raw object of a job. */
export function removeMark(raw: unknown): unknown {
  const metadata = metadataIn(raw);
  const unmarked = removeMarkPairs(metadata);
  return unmarked === metadata ? raw : { ...membersOf(raw), metadata: unmarked };
}

const metadataIn = (raw: unknown) => membersOf(membersOf(raw)['metadata']);
