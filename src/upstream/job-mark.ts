import { membersOf } from './issue.ts';

// What a job that is to be made once carries in its metadata, for the gateway to find it again: two pairs that are the
// gateway's own. Clients of the upstream see them; clients of the gateway do not.

const KEY = 'finetune_gateway_key';
const REQUEST = 'finetune_gateway_request';

/** How many pairs a mark takes of the metadata. */
export const MARK_PAIRS = 2;

/** Digests: of the key under which a job was asked for, and of all that was asked. */
export interface JobMark {
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
export const searchPair = ({ key }: JobMark): Readonly<Record<string, string>> => ({ [KEY]: key });

/** A request with this mark in its metadata. */
export function withMark(request: object, { key, request: digest }: JobMark): object {
  const metadata = membersOf(membersOf(request)['metadata']);
  return { ...request, metadata: { ...metadata, [KEY]: key, [REQUEST]: digest } };
}

/** Whether a job was asked for under the key of this mark. */
export const hasKeyOf = (job: HasBody, { key }: JobMark) => metadataIn(job.raw)[KEY] === key;

/** Whether a job was asked for by the request of this mark. */
export const hasRequestOf = (job: HasBody, { request }: JobMark) => metadataIn(job.raw)[REQUEST] === request;

/** The object that the upstream sent without what only the gateway has put there: the same object when there is nothing of it. */
export function withoutMark(raw: unknown): unknown {
  const metadata = Object.entries(metadataIn(raw));
  const left = metadata.filter(([name]) => !isMarkName(name));
  if (left.length === metadata.length) return raw;
  return { ...membersOf(raw), metadata: left.length === 0 ? null : Object.fromEntries(left) };
}

const metadataIn = (raw: unknown) => membersOf(membersOf(raw)['metadata']);
