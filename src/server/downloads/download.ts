import { GraphQLError } from 'graphql';
import { includes, type Viewer } from '../../request/viewer.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { HttpError } from '../http/http-error.ts';
import { codesOf, type Reply } from '../http/reply.ts';
import { credentialEvidenceOf } from '../limits/accepted-credentials.ts';
import { type ConcurrencyQuota, createConcurrencyQuota } from '../limits/concurrency-quota.ts';
import { openContent } from './content-download.ts';
import type { DownloadReply } from './download-reply.ts';
import type { DownloadRequest } from './download-request.ts';
import { openMetrics } from './metrics-download.ts';
import type { DownloadRoute } from './route.ts';
import { upstreamFailureReply } from './upstream-failure.ts';

export interface DownloadOptions {
  /** Maximum sockets to the upstream per credential. */
  readonly upstreamConnections: number;
  /** Whether callers authenticate with their own keys of the upstream. */
  readonly isPassthrough: boolean;
  readonly log: Logger;
}

/** Opens downloads. Each is as long as its client reads. */
export interface Downloads {
  /** Returns the response, or the error. Throws an HttpError when the request is not accepted. */
  open(route: DownloadRoute, request: DownloadRequest): Promise<DownloadReply | Reply>;
  /** Logs the error that ended a body early. Returns its codes, for the log line of the request. */
  recordFailure(error: unknown, requestId: string): string[];
}

const MAX_CONCURRENT_DOWNLOADS = 16;
/** Share of one caller in all concurrent downloads, because its client decides how long a download takes. */
const CALLER_SHARE = 1 / 4;

export function createDownloads({ upstreamConnections, isPassthrough, log }: DownloadOptions): Downloads {
  const quota = createDownloadQuota(upstreamConnections);

  function recordFailure(error: unknown, requestId: string): string[] {
    if (error instanceof GraphQLError) return codesOf([error]); // The token was revoked.
    if (!(error instanceof UpstreamError)) {
      log.error({ requestId, err: error }, 'internal error');
      return ['INTERNAL'];
    }
    const { code, detail, facts } = error;
    log.warn({ requestId, code, detail, ...facts }, 'upstream call failed');
    return [code];
  }

  async function openCounted({ kind, id }: DownloadRoute, request: DownloadRequest): Promise<DownloadReply> {
    const release = quota(request.budget.limitKey);
    try {
      const { close, ...reply } = await (kind === 'content'
        ? openContent(id, request)
        : openMetrics(id, kind, request));
      const closeCounted = () => {
        close();
        release();
      };
      return { ...reply, close: closeCounted, isAuthorized: request.identity.isValid };
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    recordFailure,
    async open(route, request) {
      const { context, budget } = request;
      const recordEvidence = (codes: readonly string[]) => {
        const errors = codes.map((code) => ({ extensions: { code } }));
        const evidence = credentialEvidenceOf({ errors }, context.readContext);
        return budget.recordEvidence(evidence, context.readContext.upstreamCalls);
      };
      try {
        await budget.spend(1); // For reading the request; the rest of its cost is spent once the caller may read it.
        if (route.kind === 'content') requireRole(context.viewer, 'operator');
        const reply = await openCounted(route, request);
        await recordEvidence([]);
        return reply;
      } catch (error) {
        const reply = error instanceof UpstreamError ? upstreamFailureReply(error, isPassthrough) : null;
        if (reply === null && !(error instanceof HttpError)) throw error;
        if (reply !== null) recordFailure(error, context.requestId);
        await recordEvidence(reply?.errorCodes ?? (error instanceof HttpError ? [error.code] : []));
        if (reply === null) throw error;
        return reply;
      }
    },
  };
}

function requireRole({ role }: Viewer, needed: Viewer['role']): void {
  if (includes(role, needed)) return;
  const message = `Role: is ${role}; the content of a file needs the role ${needed}.`;
  throw new HttpError(403, message, {}, 'FORBIDDEN');
}

/** A download of a content holds an upstream connection: with the uploads, a quarter of them stays free for other calls. */
function createDownloadQuota(upstreamConnections: number): ConcurrencyQuota {
  const max = Math.max(1, Math.min(MAX_CONCURRENT_DOWNLOADS, Math.floor(upstreamConnections / 4)));
  const setting = 'UPSTREAM_CONNECTIONS';
  const perCaller = { max: Math.ceil(max * CALLER_SHARE), setting };
  return createConcurrencyQuota({ noun: 'Downloads', total: { max, setting }, perCaller });
}
