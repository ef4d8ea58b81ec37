import { membersOf } from '../json/members.ts';

// What a job that is to be made once carries in its metadata, for the gateway to find it again: two pairs that are the
// gateway's own. Clients of the upstream see them; clients of the gateway do not.

const KEY = 'finetune_gateway_key';
const REQUEST = 'finetune_gateway_request';

/** How many pairs a mark takes of the metadata. */
export const MARK_PAIRS = 2;

/** Digests: of the key under which a job was asked for, and of all that was asked. */
export interface IdempotencyMark {
  readonly key: string;
  readonly request: string;
}

interface HasBody {
  /** The object that the upstream sent. */
  readonly raw: unknown;
}

/** Whether a name of metadata is one of the gateway's own. */
export const isMarkName = (name: string) => name === KEY || name === REQUEST;

/** The pair that the job of this mark has, and no other job. */
export const metadataFilterOf = ({ key }: IdempotencyMark): Readonly<Record<string, string>> => ({ [KEY]: key });

/** A request with this mark in its metadata. */
export function addMark(request: object, { key, request: digest }: IdempotencyMark): object {
  const metadata = membersOf(membersOf(request)['metadata']);
  return { ...request, metadata: { ...metadata, [KEY]: key, [REQUEST]: digest } };
}

/** Whether a job was asked for under the key of this mark. */
export const hasKeyOf = (job: HasBody, { key }: IdempotencyMark) => metadataIn(job.raw)[KEY] === key;

/** Whether a job was asked for by the request of this mark. */
export const hasRequestOf = (job: HasBody, { request }: IdempotencyMark) => metadataIn(job.raw)[REQUEST] === request;

/** Metadata without what only the gateway has put there, null when nothing is left; the same when there is nothing of it. */
export function removeMarkPairs<T>(metadata: Readonly<Record<string, T>> | null): Readonly<Record<string, T>> | null {
  if (metadata === null || !(Object.hasOwn(metadata, KEY) || Object.hasOwn(metadata, REQUEST))) return metadata;
  const left = Object.entries(metadata).filter(([name]) => !isMarkName(name));
  return left.length === 0 ? null : Object.fromEntries(left);
}

/** The same for the whole object that the upstream sent. */
export function removeMark(raw: unknown): unknown {
  const metadata = metadataIn(raw);
  const shown = removeMarkPairs(metadata);
  return shown === metadata ? raw : { ...membersOf(raw), metadata: shown };
}

const metadataIn = (raw: unknown) => membersOf(membersOf(raw)['metadata']);
