import type { Creations, Made } from './creation/creation.ts';
import { markOf } from './creation/key.ts';
import type { DailyCaps } from './daily-caps.ts';
import type { Caller } from './store/flights.ts';
import type { Access } from './store/scope.ts';
import type { Store } from './store/store.ts';
import type { Grader } from './upstream/grader.ts';
import type { GraderRun, GraderSample } from './upstream/grader-run.ts';
import type { Job } from './upstream/job.ts';
import { isName } from './upstream/path.ts';
import type { Upstream } from './upstream/upstream.ts';

/** What can be asked of a job that is there. */
export type Steer = 'cancel' | 'pause' | 'resume';

/**
 * What one request changes. What the upstream answers is what the store knows from then on, whatever was kept or under way.
 * All reject with UpstreamError.
 */
export interface Changes {
  /** Makes a job, and under one key of this caller's never two; null for none. Rejects with CapReached, too. */
  create(request: object, key: string | null): Promise<Made>;
  /** The job as it is then, null when there is none. */
  steer(what: Steer, jobId: string): Promise<Job | null>;
  /** The job as it is now, read anew; null when there is none. */
  look(jobId: string): Promise<Job | null>;
  /** What a grader gives for a sample. */
  runGrader(sample: GraderSample): Promise<GraderRun>;
  /** A grader as the upstream understands it. */
  validateGrader(grader: unknown): Promise<Grader>;
}

/** Who changes something. */
export interface Changer {
  readonly access: Access;
  /** As whom the gateway knows them; null where callers have no names. */
  readonly name: string | null;
  readonly caller: Caller;
  readonly caps: DailyCaps;
}

/** What changes are made with. */
export interface ChangeParts {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly creations: Creations;
}

/** A change goes on when its caller leaves: half of it would be worse. */
export function createChanges(
  { upstream, store, creations }: ChangeParts,
  { access, name, caller, caps }: Changer,
): Changes {
  const call = {
    credential: access.credential,
    signal: new AbortController().signal,
    onRequest: () => caller.upstreamCalls++,
  };

  return {
    create(request, key) {
      const claim = key === null ? null : { credential: access.credential, callerName: name, key, request };
      const spend = <T>(run: (giveBack: () => void) => Promise<T>) => caps.spend('create', run);
      return creations.make({ access, caller, request, mark: claim && markOf(claim), spend });
    },
    async steer(what, jobId) {
      const job = isName(jobId) ? await upstream.jobs[what](jobId, call) : null;
      return job && store.jobs.put(access, job).value;
    },
    async look(jobId) {
      return isName(jobId) ? (await store.jobs.look(access, jobId, { caller, cause: 'query' })).value : null;
    },
    runGrader: (sample) => upstream.graders.run(sample, call),
    validateGrader: (grader) => upstream.graders.validate(grader, call),
  };
}
