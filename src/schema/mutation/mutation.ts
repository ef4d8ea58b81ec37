import { GraphQLError } from 'graphql';
import { DailyQuotaExceeded } from '../../commands/daily-quota.ts';
import type { Context } from '../../request/context.ts';
import { includes, type Role } from '../../request/viewer.ts';
import { NoAdminKey, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { builder } from '../core/builder.ts';
import { Failure, Forbidden, OutcomeUnknown, QuotaExceeded, UpstreamFailure } from './failure.ts';

builder.mutationType({
  description:
    'Everything that can be changed. Each answers what it did, or why not, as data: select on `... on Error { message code }` beside the success. Where the gateway allows no changes, each answers ForbiddenError.',
});

/** What can come of any mutation. */
type CommonFailure = Forbidden | OutcomeUnknown | QuotaExceeded | UpstreamFailure;

/** What a mutation has done, for the log: the id of what was made, changed or deleted, if there is such a thing. */
export interface MutationSuccess {
  readonly affectedId: string | undefined;
}

/** Enough of an id that a client made up. */
const MAX_ID_LENGTH = 200;

/**
 * The resolver of a mutation that needs a role. Whether the caller may do it is decided before anything is looked for;
 * whatever happens, it leaves one line in the log, and what is nobody's fault here becomes a failure that clients can read.
 * `about` is the id that the input names, for the log of what was not done.
 */
export function resolveMutation<Input, Success extends MutationSuccess, Own extends Failure>(
  mutation: string,
  needed: Role,
  run: (input: Input, context: Context) => Promise<Success | Own>,
  about: (input: Input) => string | undefined = () => undefined,
) {
  return async (
    _root: unknown,
    { input }: { input: Input },
    context: Context,
  ): Promise<Success | Own | CommonFailure> => {
    const { viewer, requestId, mutations } = context;
    const line = {
      mutation,
      viewer: viewer.name,
      role: viewer.role,
      id: about(input)?.slice(0, MAX_ID_LENGTH),
      requestId,
    };
    try {
      const outcome = authorize(needed, context) ?? (await run(input, context).catch(failureOf));
      const isDone = !(outcome instanceof Failure);
      if (!isDone && outcome.cause) context.readContext.failures.push(outcome.cause.code);
      mutations.audit({
        ...line,
        ...(isDone ? { id: outcome.affectedId, outcome: 'Success' } : reasonOf(outcome)),
      });
      return outcome;
    } catch (error) {
      mutations.audit({
        ...line,
        outcome: error instanceof GraphQLError ? String(error.extensions['code']) : 'INTERNAL',
      });
      throw error;
    }
  };
}

/** What is in the log of a failure: of what the upstream said the answer tells less. */
function reasonOf({ constructor: { name: outcome }, cause }: Failure) {
  return { outcome, ...(cause && { detail: cause.detail, ...cause.facts }) };
}

/** Why the caller may not do what needs a role; null when it may. */
export function authorize(needed: Role, { viewer: { role }, mutations }: Context): Forbidden | null {
  if (!mutations.isAllowed) return new Forbidden('This gateway changes nothing: see ALLOW_MUTATIONS.');
  if (!includes(role, needed)) return new Forbidden(`Expected the role ${needed}, got ${role}.`);
  return null;
}

/** What a refusal, by the upstream or by the caps of the day, is to clients. Throws what is neither. */
function failureOf(error: unknown): CommonFailure {
  if (error instanceof DailyQuotaExceeded)
    return new QuotaExceeded('RATE_LIMITED', error.message, error.retryAfterSeconds);
  if (error instanceof NoAdminKey) return new Forbidden(error.message);
  if (!(error instanceof UpstreamError)) throw error;
  const { code, facts } = error;
  if (error.isOutcomeUnknown)
    return new OutcomeUnknown('Nobody knows whether the upstream did it: look before you try again.', error);
  if (code === 'UPSTREAM_QUOTA_EXCEEDED') {
    return new QuotaExceeded(code, error.message, facts.retryAfterSeconds ?? null, error);
  }
  return new UpstreamFailure(error);
}
