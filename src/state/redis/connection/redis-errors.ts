import { ReplyError } from 'ioredis';
import { z } from 'zod';
import { fleetUnreadable } from '../../../telemetry/fleet-events.ts';

/** Replies by which a server says that it is not the one to ask now. */
const NOT_NOW =
  /^(?:READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|OOM|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM)\b/;

const isReply = (error: unknown): error is Error => error instanceof ReplyError;

/** Whether Redis has executed nothing and another server, or this one later, can. */
export const isAway = (error: unknown): boolean => !isReply(error) || NOT_NOW.test(error.message);

/** Reports a failure in the background that is no outage: a reply that cannot be read, or a script that fails. */
export function reportFailure(kind: string, error: unknown): void {
  if (error instanceof z.ZodError || !isAway(error)) reportUnreadable(kind, error);
}

/** Reports what another process has written and this one cannot read. */
export function reportUnreadable(kind: string, error: unknown): void {
  if (fleetUnreadable.hasSubscribers) fleetUnreadable.publish({ kind, problem: problemOf(error) });
}

/** The message of Redis. That of a parser can have a part of what it has read. */
function problemOf(error: unknown): string {
  if (isReply(error)) return error.message;
  return error instanceof Error ? error.name : 'Error';
}
