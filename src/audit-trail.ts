import { GraphQLError } from 'graphql';
import type { Clock } from './clock.ts';
import type { AuditTrail } from './commands/audit-record.ts';
import type { ErrorCode } from './schema/core/errors.ts';
import { type AuditFile, openAuditFile } from './telemetry/audit-file.ts';
import type { GatewayLog } from './telemetry/logger.ts';

/** The audit trail of a gateway, and its file. */
export interface OpenAuditTrail extends AuditTrail {
  /** Opens the file again: another program may have renamed it. */
  reopen(): void;
  dispose(): void;
}

/** Writes audit records to the file, or to the log when there is none. */
export function openAuditTrail(path: string | undefined, log: GatewayLog, clock: Clock): OpenAuditTrail {
  if (path === undefined) {
    return {
      begin: (attempt) => log.info(attempt, 'mutation begins'),
      end: (outcome) => log.info(outcome, 'mutation'),
      reopen: () => {},
      dispose: () => {},
    };
  }
  const file: AuditFile = openAuditFile(path, log.redact);
  const now = () => new Date(clock.timeOfDay()).toISOString();
  return {
    begin(attempt) {
      try {
        file.append({ time: now(), phase: 'begin', ...attempt });
      } catch (err) {
        log.error({ err, requestId: attempt.requestId, mutation: attempt.mutation }, NOT_RUN);
        throw new GraphQLError(`${NOT_RUN}; nothing was sent to the upstream. Tell the operator of the gateway.`, {
          extensions: { code: 'INTERNAL' satisfies ErrorCode, requestId: attempt.requestId },
        });
      }
    },
    end(outcome) {
      try {
        file.append({ time: now(), phase: 'end', ...outcome });
      } catch (err) {
        log.error({ err, ...outcome }, 'the audit record of a mutation cannot be written; this line has it');
      }
    },
    reopen() {
      try {
        file.reopen();
      } catch (err) {
        log.error({ err }, 'AUDIT_FILE cannot be opened again; the previous file stays in use');
      }
    },
    dispose: file.close,
  };
}

const NOT_RUN = 'The audit record cannot be written, so the mutation did not run';
