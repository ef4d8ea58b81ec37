import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { DailyQuotaExceeded } from '../../commands/daily-quota.ts';
import type { Context } from '../../request/context.ts';
import type { Role } from '../../request/viewer.ts';
import { FleetUnavailable } from '../../state/fleet-unavailable.ts';
import { mutationEnded } from '../../telemetry/events.ts';
import { NoAdminKey, UpstreamError } from '../../upstream/errors/upstream-error.ts';
import {
  type CommonFailure,
  Failure,
  Forbidden,
  OutcomeUnknown,
  QuotaExceeded,
  Unavailable,
  UpstreamFailure,
} from './failure.ts';
import { attemptOf } from './mutation-attempt.ts';
import { denialOf } from './viewer-denial.ts';

/** The part of a mutation that its resolver needs. */
export interface ExecutableMutation<Input, Success extends object, Own extends Failure> {
  readonly name: string;
  readonly role: Role;
  /** Returns the id that the input names, for the audit records. */
  readonly idOfInput?: (input: Input) => string;
  readonly success: {
    /** Returns the id of the entity that was created, changed or deleted, for the audit record; undefined for none. */
    readonly affectedId: (success: Success) => string | undefined;
  };
  /** Rejects with UpstreamError, DailyQuotaExceeded or FleetUnavailable, which become common failures; others are thrown. */
  readonly run: (input: Input, context: Context, info: GraphQLResolveInfo) => Promise<Success | Own | CommonFailure>;
}

/**
 * Returns the resolver of a mutation. It checks the role before anything is read, writes an audit record, runs the mutation
 * and writes a second record, whatever the outcome. A forbidden mutation has the second record only. When the first one
 * cannot be written, the mutation does not run. Errors of the upstream, used-up quotas and state that cannot be shared become
 * failures; other errors are thrown.
 */
export function mutationResolver<Input, Success extends object, Own extends Failure>(
  mutation: ExecutableMutation<Input, Success, Own>,
) {
  const { name, role, idOfInput, success, run } = mutation;
  return async (
    _root: unknown,
    { input }: { input: Input },
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Success | Own | CommonFailure> => {
    const { audit } = context.mutations;
    const { readContext } = context;
    const attempt = attemptOf(name, input, idOfInput?.(input), context);
    const denied = forbidden(name, role, context);
    if (denied === null) audit.begin(attempt);
    readContext.upstreamRequestId = undefined;
    try {
      const outcome = denied ?? (await run(input, context, info).catch(toFailure));
      const { upstreamRequestId } = readContext;
      if (outcome instanceof Failure) {
        if (outcome.cause) readContext.failures.push(outcome.cause.code);
        audit.end({ ...attempt, upstreamRequestId, ...failureFacts(outcome) });
      } else {
        const id = success.affectedId(outcome);
        audit.end({ ...attempt, id, upstreamRequestId, outcome: 'Success' });
      }
      reportMutation(name, outcome instanceof Failure ? outcome.constructor.name : 'Success');
      return outcome;
    } catch (error) {
      const outcome = error instanceof GraphQLError ? String(error.extensions['code']) : 'INTERNAL';
      audit.end({ ...attempt, upstreamRequestId: readContext.upstreamRequestId, outcome });
      reportMutation(name, outcome);
      throw error;
    }
  };
}

function reportMutation(mutation: string, outcome: string): void {
  if (mutationEnded.hasSubscribers) mutationEnded.publish({ mutation, outcome });
}

/** Returns the part of an audit record that describes a failure. It has more of the upstream's response than the client gets. */
function failureFacts({ constructor: { name: outcome }, cause }: Failure) {
  return { outcome, ...(cause && { detail: cause.detail, ...cause.facts }) };
}

function forbidden(mutation: string, role: Role, context: Context): Forbidden | null {
  const denial = denialOf(role, context);
  if (denial === null) return null;
  if (denial === 'MUTATIONS_OFF') return new Forbidden(MUTATIONS_OFF);
  return new Forbidden(`${mutation} needs the role ${role}; the caller has the role ${context.viewer.role}.`);
}

const MUTATIONS_OFF = 'This gateway does not allow mutations. Its operator can allow them with ALLOW_MUTATIONS=on.';

/** Converts an error of the upstream, of a daily quota, or of the state of the fleet, to a failure. Throws other errors. */
function toFailure(error: unknown): CommonFailure {
  if (error instanceof FleetUnavailable) return new Unavailable(error);
  if (error instanceof DailyQuotaExceeded)
    return new QuotaExceeded('RATE_LIMITED', error.message, error.retryAfterSeconds);
  if (error instanceof NoAdminKey) return new Forbidden(error.message);
  if (!(error instanceof UpstreamError)) throw error;
  const { code, facts } = error;
  if (error.isOutcomeUnknown) return new OutcomeUnknown(UNCONFIRMED, error);
  if (code === 'UPSTREAM_QUOTA_EXCEEDED') {
    return new QuotaExceeded(code, error.message, facts.retryAfterSeconds ?? null, error);
  }
  return new UpstreamFailure(error);
}

const UNCONFIRMED =
  'The upstream did not confirm the mutation: it may or may not have taken effect. Check before you retry.';
