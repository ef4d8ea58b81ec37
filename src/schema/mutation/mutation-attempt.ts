import { createHash } from 'node:crypto';
import type { MutationAttempt } from '../../commands/audit-record.ts';
import type { Context } from '../../request/context.ts';
import { traceIds } from '../../telemetry/trace-context.ts';

/** Maximum length of a client's text in an audit record. */
const MAX_LENGTH = 200;
/** Maximum number of ids of one list in an audit record. */
const MAX_IDS = 20;

/** The first audit record of a mutation. `id` is the one that its input names. */
export function attemptOf(mutation: string, input: unknown, id: string | undefined, context: Context): MutationAttempt {
  const { viewer, callerId, requestId, operationName, readContext } = context;
  const [caller] = readContext.claimant.callers;
  return {
    mutation,
    operation: operationName?.slice(0, MAX_LENGTH),
    viewer: viewer.name,
    callerId,
    role: viewer.role,
    address: caller?.address,
    requestId,
    traceId: traceIds.get(requestId),
    id: id?.slice(0, MAX_LENGTH),
    input: factsOf(input),
  };
}

/** The ids in an input by the names of its fields, and the SHA-256 of the idempotency key. Nothing else: it may be confidential. */
function factsOf(input: unknown): Readonly<Record<string, unknown>> {
  const facts: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(Object(input))) {
    if (name === 'idempotencyKey' && typeof value === 'string') facts['idempotencyKeySha256'] = sha256(value);
    else if (name.endsWith('Id') && typeof value === 'string') facts[name] = value.slice(0, MAX_LENGTH);
    else if (name.endsWith('Ids') && Array.isArray(value)) {
      facts[name] = value.slice(0, MAX_IDS).map((item) => String(item).slice(0, MAX_LENGTH));
    }
  }
  return facts;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
