import DataLoader from 'dataloader';
import { type JobEnd, NOT_ENDED } from '../store/cache/freshness.ts';
import type { Access } from '../store/cache/scope.ts';
import type { ReadContext } from '../store/cache/single-flight.ts';
import { EVENTS_PER_PAGE } from '../store/resources/event.ts';
import { type LogSegment, pageOf } from '../store/resources/log-segment.ts';
import type { Store } from '../store/store.ts';
import { isOutage, isRejection, UpstreamError } from '../upstream/errors/upstream-error.ts';
import { isValidName } from '../upstream/http/path.ts';
import type { MetricsSeries } from '../upstream/metrics/metrics.ts';
import type { Preview } from '../upstream/metrics/preview.ts';
import type { Checkpoint } from '../upstream/resources/checkpoint.ts';
import type { JobEvent } from '../upstream/resources/event.ts';
import type { FileObject, FilePageRequest } from '../upstream/resources/file.ts';
import type { Job, JobPageRequest } from '../upstream/resources/job.ts';
import type { Model } from '../upstream/resources/model.ts';
import type { Page, PageItem, PageRequest } from '../upstream/resources/page.ts';
import type { Permission, PermissionPageRequest } from '../upstream/resources/permission.ts';
import type { TrainingReport } from '../upstream/training-data/training-data.ts';

/**
 * What one request reads, each thing once and in the fewest upstream calls. All reject with UpstreamError, or the reason
 * of the caller's signal.
 */
export interface Loaders {
  /** The job with this id, null when there is none. */
  job(id: string): Promise<Job | null>;
  jobs(page: JobPageRequest): Promise<Page<Job>>;
  /** The file with this id, null when there is none. `job` is the one that names it, if any does. */
  file(id: string, job?: Job): Promise<FileObject | null>;
  /** As `file`, for one that the job has made: it stands in another list. */
  resultFile(id: string, job: Job): Promise<FileObject | null>;
  files(page: FilePageRequest): Promise<Page<FileObject>>;
  /** The first bytes of a file's content, null when there is none. */
  preview(file: FileObject, maxBytes: number): Promise<Preview | null>;
  /** What stands in a training file, null when there is none. */
  trainingReport(fileId: string): Promise<TrainingReport | null>;
  /** The model of this name, null when there is none. `job` is the one that names it, if any does. */
  model(id: string, job?: Job): Promise<Model | null>;
  models(): Promise<readonly PageItem<Model>[]>;
  events(jobId: string, page: PageRequest): Promise<Page<JobEvent>>;
  /** A job's newest events: at least so many, or all. What is asked at the same moment about one job is one read. */
  newestEvents(jobId: string, atLeast: number): Promise<LogSegment>;
  /** What stands behind a run of a job's events too. */
  olderEvents(jobId: string, run: LogSegment): Promise<LogSegment>;
  checkpoints(jobId: string, page: PageRequest): Promise<Page<Checkpoint>>;
  /** Who may use a checkpoint, by the name of its model. */
  permissions(model: string, page: PermissionPageRequest): Promise<Page<Permission>>;
  metrics(job: Job): Promise<MetricsSeries>;
  /** As what this id was last seen, if it was seen at all. */
  kindOf(id: string): 'job' | 'file' | 'model' | undefined;
}

/** Something that is wanted by its id, and the end of the job that names it. */
interface Wanted {
  readonly id: string;
  readonly end: JobEnd;
}

/** More single reads than this cost more than a list and what it lacks. */
export const MAX_SINGLE_READS = { files: 3, models: 1 };
const newestFiles = (purpose: string) => ({ limit: 100, after: null, purpose, order: 'desc' }) as const;

export function createLoaders(store: Store, access: Access, readContext: ReadContext): Loaders {
  const jobs = batching<string, Job | null>(
    (id) => id,
    (ids) => ids.map((id) => store.jobs.get(access, id, readContext)),
  );

  const filesOf = (purpose: string) =>
    batching<Wanted, FileObject | null>(idOf, (wanted) =>
      byListOrSingly(wanted, {
        fresh: ({ id, end }) => store.files.getFresh(access, id, end, readContext),
        list: async () => itemsOf((await store.files.list(access, newestFiles(purpose), readContext)).items),
        single: ({ id, end }) => store.files.get(access, id, end, readContext),
        settled: ({ id }) => store.files.getSettled(access, id),
        mostSingles: MAX_SINGLE_READS.files,
      }),
    );
  const files = filesOf('fine-tune');
  const resultFiles = filesOf('fine-tune-results');

  const models = batching<Wanted, Model | null>(idOf, (wanted) =>
    byListOrSingly(wanted, {
      fresh: ({ id, end }) => store.models.getFresh(access, id, end, readContext),
      list: async () => itemsOf(await store.models.list(access, readContext)),
      single: ({ id, end }) => store.models.get(access, id, end, readContext),
      settled: ({ id }) => store.models.getSettled(access, id),
      mostSingles: MAX_SINGLE_READS.models,
    }),
  );

  const newestEvents = batching<{ jobId: string; atLeast: number }, LogSegment>(
    ({ jobId, atLeast }) => `${atLeast} ${jobId}`,
    (wishes) => {
      const most = new Map<string, number>();
      for (const { jobId, atLeast } of wishes) most.set(jobId, Math.max(atLeast, most.get(jobId) ?? 0));
      const runs = new Map([...most].map(([id, atLeast]) => [id, store.events.head(access, id, atLeast, readContext)]));
      return wishes.map(({ jobId }) => runs.get(jobId) as Promise<LogSegment>); // Each wish has put its job there.
    },
  );

  const endOf = (job: Job | undefined) => (job ? store.jobs.invalidation.end(access, job.id) : NOT_ENDED);
  const newest = (jobId: string, atLeast: number) => newestEvents.load({ jobId, atLeast });

  return {
    job: (id) => jobs.load(id),
    jobs: (request) => store.jobs.list(access, request, readContext),
    file: (id, job) => files.load({ id, end: endOf(job) }),
    resultFile: (id, job) => resultFiles.load({ id, end: endOf(job) }),
    files: (request) => store.files.list(access, request, readContext),
    preview: (file, maxBytes) => store.contents.preview(access, file, maxBytes, readContext),
    trainingReport: (fileId) => store.trainingReports.get(access, fileId, readContext),
    model: (id, job) => models.load({ id, end: endOf(job) }),
    models: () => store.models.list(access, readContext),
    async events(jobId, request) {
      if (request.after !== null) return store.events.page(access, jobId, request, readContext);
      return pageOf(await newest(jobId, request.limit), request);
    },
    newestEvents: newest,
    olderEvents: (jobId, run) => store.events.readOlder(access, jobId, run, readContext),
    checkpoints: (jobId, request) => store.checkpoints.list(access, jobId, request, readContext),
    permissions: (model, request) => store.permissions.list(access, model, request, readContext),
    metrics: (job) => store.metrics.curve(access, job, () => newest(job.id, EVENTS_PER_PAGE), readContext),
    kindOf: (id) => store.kindOf(access, id),
  };
}

const idOf = ({ id }: Wanted) => id;

/** A DataLoader over a read of many keys at once; what each read comes to is its own. */
function batching<K, V>(keyOf: (key: K) => string, readAll: (keys: readonly K[]) => readonly Promise<V>[]) {
  return new DataLoader<K, V, string>((keys) => Promise.all(readAll(keys).map((read) => read.catch(asError))), {
    cacheKeyFn: keyOf,
  });
}

interface Ways<T> {
  /** What is kept; null when it is known that there is none, undefined when nothing is known. */
  fresh(wanted: Wanted): T | null | undefined;
  list(): Promise<ReadonlyMap<string, T>>;
  single(wanted: Wanted): Promise<T | null>;
  /** What was seen before, and answers as long as the upstream does not. */
  settled(wanted: Wanted): T | undefined;
  mostSingles: number;
}

/** The fewest reads for many things: one list when many are unknown, and single ones for what it lacks. */
function byListOrSingly<T>(wanted: readonly Wanted[], ways: Ways<T>): Promise<T | null>[] {
  const known = wanted.map((one) => (isValidName(one.id) ? ways.fresh(one) : null));
  const unknown = known.filter((thing) => thing === undefined).length;
  const listing = unknown > ways.mostSingles ? ways.list().catch(nothingIfRefused) : null;
  return wanted.map(async (one, index) => {
    const thing = known[index];
    if (thing !== undefined) return thing;
    try {
      return (await listing)?.get(one.id) ?? (await ways.single(one));
    } catch (error) {
      const last = isOutage(error) ? ways.settled(one) : undefined;
      if (last === undefined) throw error;
      return last;
    }
  });
}

// A server may lack a list, or not allow it, and yet give each thing; when it is down, asking for each helps nobody.
function nothingIfRefused(error: unknown): ReadonlyMap<string, never> {
  const isUnreadable = error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE';
  if (isUnreadable || isRejection(error)) return new Map<string, never>();
  throw error;
}

function itemsOf<T extends { id: string }>(items: readonly PageItem<T>[]): Map<string, T> {
  return new Map(items.flatMap(({ value }) => (value ? [[value.id, value]] : [])));
}

// DataLoader takes a failure of one key as an Error in its place.
function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The read was ended.', { cause: reason });
}
