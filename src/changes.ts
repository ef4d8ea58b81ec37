import type { Creations, Made } from './creation/creation.ts';
import { markOf } from './creation/key.ts';
import type { DailyCaps } from './daily-caps.ts';
import type { Caller } from './store/flights.ts';
import type { Access } from './store/scope.ts';
import type { Store } from './store/store.ts';
import type { Things } from './store/thing.ts';
import { checkOnTheWay, InvalidTrainingData, type TrainingFileReport } from './upstream/checked-upload.ts';
import type { Deletion } from './upstream/deletion.ts';
import { isInDoubt, UpstreamError } from './upstream/errors.ts';
import type { FileObject, FileUpload } from './upstream/file.ts';
import type { Grader } from './upstream/grader.ts';
import type { GraderRun, GraderSample } from './upstream/grader-run.ts';
import type { Job } from './upstream/job.ts';
import type { PageItem } from './upstream/page.ts';
import { isName } from './upstream/path.ts';
import type { Permission } from './upstream/permission.ts';
import type { Call } from './upstream/transport.ts';
import type { Upstream } from './upstream/upstream.ts';

/** What can be asked of a job that is there. */
export type Steer = 'cancel' | 'pause' | 'resume';

/** A file on its way up. */
export interface UploadRequest extends FileUpload {
  /** Aborted when the content will not come to its end. */
  readonly signal: AbortSignal;
  /** Whether it is checked as such, and not made with errors in it. */
  readonly isTrainingData: boolean;
}

/** What came of it: without a file the report says why. */
export type Uploaded =
  | { readonly file: FileObject; readonly report: TrainingFileReport | null }
  | { readonly file: null; readonly report: TrainingFileReport };

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
  /** Null when there is no such model. */
  deleteModel(id: string): Promise<Deletion | null>;
  /** Null when there is none. */
  deleteFile(id: string): Promise<Deletion | null>;
  /** Lets projects use a checkpoint, by the name of its model; null when there is none. Rejects with NoAdminKey, too. */
  permit(model: string, projectIds: readonly string[]): Promise<PageItem<Permission>[] | null>;
  /** Takes such a permission away; null when there is none. Rejects with NoAdminKey, too. */
  deletePermission(model: string, id: string): Promise<Deletion | null>;
  /** What a grader gives for a sample. */
  runGrader(sample: GraderSample): Promise<GraderRun>;
  /** A grader as the upstream understands it. */
  validateGrader(grader: unknown): Promise<Grader>;
  /** Rejects also with the reason of the request's signal, and with what its content throws: then no file was made. */
  uploadFile(request: UploadRequest): Promise<Uploaded>;
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

  /** Deletes a thing, which nobody is shown from then on; when nobody knows the outcome, it is read anew. */
  async function remove(
    things: Pick<Things<never>, 'put' | 'doubt'>,
    id: string,
    ask: (id: string, call: Call) => Promise<Deletion | null>,
  ): Promise<Deletion | null> {
    if (!isName(id)) return null;
    try {
      const deletion = await ask(id, call);
      things.put(access, id, null);
      return deletion;
    } catch (error) {
      if (isInDoubt(error)) things.doubt(access, id);
      throw error;
    }
  }

  return {
    create(request, key) {
      const claim = key === null ? null : { credential: access.credential, callerName: name, key, request };
      const spend = <T>(run: (giveBack: () => void) => Promise<T>) => caps.spend('create', run);
      return creations.make({ access, caller, request, mark: claim && markOf(claim), spend });
    },
    async steer(what, jobId) {
      if (!isName(jobId)) return null;
      try {
        const job = await upstream.jobs[what](jobId, call);
        return job && store.jobs.put(access, job).value;
      } catch (error) {
        if (isInDoubt(error)) store.jobs.outdate(jobId);
        throw error;
      }
    },
    async uploadFile({ signal, isTrainingData, content: given, ...rest }) {
      const checked = isTrainingData ? checkOnTheWay(given) : null;
      try {
        const upload = { ...rest, content: checked?.content ?? given };
        const file = await upstream.files.upload(upload, { ...call, signal });
        store.files.put(access, file.id, file);
        return { file, report: (await checked?.report()) ?? null };
      } catch (error) {
        if (isInDoubt(error)) store.jobs.beginGeneration(access); // The next list shows it, or not.
        if (checked === null || !(error instanceof InvalidTrainingData)) throw error;
        return { file: null, report: await checked.report() };
      }
    },
    async look(jobId) {
      return isName(jobId) ? (await store.jobs.look(access, jobId, { caller, cause: 'query' })).value : null;
    },
    deleteFile: (id) => remove(store.files, id, upstream.files.delete),
    deleteModel: (id) => remove(store.models, id, upstream.models.delete),
    async permit(model, projectIds) {
      if (!isName(model)) return null;
      try {
        return await upstream.permissions.create(model, projectIds, call);
      } catch (error) {
        if (isAbsence(error)) return null;
        throw error;
      } finally {
        store.permissions.outdate(access, model); // Whatever came of it.
      }
    },
    async deletePermission(model, id) {
      if (!isName(model) || !isName(id)) return null;
      try {
        return await upstream.permissions.delete(model, id, call);
      } finally {
        store.permissions.outdate(access, model);
      }
    },
    runGrader: (sample) => upstream.graders.run(sample, call),
    validateGrader: (grader) => upstream.graders.validate(grader, call),
  };
}

/** Whether the upstream says that what something was to be made for is not there. */
const isAbsence = (error: unknown) =>
  error instanceof UpstreamError && error.code === 'UPSTREAM_REJECTED' && error.facts.upstreamStatus === 404;
