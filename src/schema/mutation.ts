import type { Context } from '../context.ts';
import { UpstreamError } from '../upstream/errors.ts';
import { includes, type Role } from '../viewer.ts';
import { builder } from './builder.ts';
import { Failure, Forbidden, OutcomeUnknown, QuotaExceeded, UpstreamFailure } from './failure.ts';

builder.mutationType({
  description:
    'Everything that can be changed. Each answers what it did, or why not, as data: select on `... on Error { message code }` beside the success. Where the gateway allows no changes, each answers ForbiddenError.',
});

/** What can come of any mutation. */
type CommonFailure = Forbidden | OutcomeUnknown | QuotaExceeded | UpstreamFailure;

/** What a mutation has done, for the log: the id of what was made, changed or deleted. */
export interface Done {
  readonly doneId: string;
}

/**
 * The resolver of a mutation that needs a role. Whether the caller may do it is decided before anything is looked for;
 * whatever happens, it leaves one line in the log, and what is nobody's fault here becomes a failure that clients can read.
 */
export function mutating<Input, Success extends Done, Own extends Failure>(
  mutation: string,
  needed: Role,
  run: (input: Input, context: Context) => Promise<Success | Own>,
) {
  return async (
    _root: unknown,
    { input }: { input: Input },
    context: Context,
  ): Promise<Success | Own | CommonFailure> => {
    const { viewer, requestId, mutations } = context;
    const line = { mutation, viewer: viewer.name, role: viewer.role, requestId };
    try {
      const outcome = forbiddance(needed, context) ?? (await run(input, context).catch(failureOf));
      const isDone = !(outcome instanceof Failure);
      mutations.audit({
        ...line,
        id: isDone ? outcome.doneId : undefined,
        outcome: isDone ? 'Success' : outcome.constructor.name,
      });
      return outcome;
    } catch (error) {
      mutations.audit({ ...line, outcome: 'INTERNAL' });
      throw error;
    }
  };
}

/** Why the caller may not do what needs a role; null when it may. */
export function forbiddance(needed: Role, { viewer: { role }, mutations }: Context): Forbidden | null {
  if (!mutations.isAllowed) return new Forbidden('This gateway changes nothing: see ALLOW_MUTATIONS.');
  if (!includes(role, needed)) return new Forbidden(`Expected the role ${needed}, got ${role}.`);
  return null;
}

/** What an upstream's refusal is to clients. Throws what is no refusal of the upstream's. */
function failureOf(error: unknown): CommonFailure {
  if (!(error instanceof UpstreamError)) throw error;
  const { code, facts } = error;
  if (error.isOutcomeUnknown)
    return new OutcomeUnknown('Nobody knows whether the upstream did it: look before you try again.');
  if (code === 'UPSTREAM_QUOTA_EXCEEDED') {
    return new QuotaExceeded(error.message, facts.retryAfterSeconds ?? null);
  }
  return new UpstreamFailure(error);
}
