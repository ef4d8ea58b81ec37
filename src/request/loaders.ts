import DataLoader from 'dataloader';
import { type JobEnd, NOT_ENDED } from '../store/cache/freshness.ts';
import type { ReadContext } from '../store/cache/read-context.ts';
import type { Access } from '../store/cache/scope.ts';
import type { DownloadRequest } from '../store/resources/content.ts';
import { EVENTS_PER_PAGE } from '../store/resources/event.ts';
import { scanJobs } from '../store/resources/job-scan.ts';
import { type LogSegment, pageOf } from '../store/resources/log-segment.ts';
import type { ReportTokenizer } from '../store/resources/training-report.ts';
import type { Store } from '../store/store.ts';
import { isOutage, isRejection, UpstreamError } from '../upstream/errors/upstream-error.ts';
import type { ContentResponse } from '../upstream/http/content-response.ts';
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
import type { CountedReport } from '../upstream/training-data/file-validator.ts';

/**
 * The reads of one request, batched and deduplicated. All reject with UpstreamError, or with the reason of the request's
 * signal. Reads of one entity return null when there is none.
 */
export interface Loaders {
  /** Returns a job. */
  job(id: string): Promise<Job | null>;
  /** Returns one page of the jobs, newest first. */
  jobs(page: JobPageRequest): Promise<Page<Job>>;
  /** Returns a training or validation file. `job` is the one that refers to it, if any. */
  file(id: string, job?: Job): Promise<FileObject | null>;
  /** Returns a results file of a job. */
  resultFile(id: string, job: Job): Promise<FileObject | null>;
  /** Returns one page of the files. */
  files(page: FilePageRequest): Promise<Page<FileObject>>;
  /** Returns the first bytes of a file's content; null when it has none. */
  preview(file: FileObject, maxBytes: number): Promise<Preview | null>;
  /** Reads a whole content, or a range of it, as long as `read` takes; null when the file has none. Not cached. */
  download<T>(request: DownloadRequest, read: (content: ContentResponse) => Promise<T>): Promise<T | null>;
  /** Returns the validation report of a training file; null when it has no content. */
  trainingReport(fileId: string, tokenizer: ReportTokenizer): Promise<CountedReport | null>;
  /** Returns a model. `job` is the one that refers to it, if any. */
  model(id: string, job?: Job): Promise<Model | null>;
  /** Returns the job that created a model, among the newest 1,000 jobs. */
  jobOfModel(modelId: string): Promise<Job | null>;
  /** Returns all models. */
  models(): Promise<readonly PageItem<Model>[]>;
  /** Returns one page of a job's events, newest first. */
  events(jobId: string, page: PageRequest): Promise<Page<JobEvent>>;
  /** Returns a job's newest events: at least `minCount`, or all. Concurrent calls for one job share one read. */
  newestEvents(jobId: string, minCount: number): Promise<LogSegment>;
  /** Returns the segment with the cached older events, or else with one more page. */
  olderEvents(jobId: string, segment: LogSegment): Promise<LogSegment>;
  /** Returns one page of a job's checkpoints, newest first. */
  checkpoints(jobId: string, page: PageRequest): Promise<Page<Checkpoint>>;
  /** Returns one page of the permissions of a checkpoint, by the name of its model. */
  permissions(model: string, page: PermissionPageRequest): Promise<Page<Permission>>;
  /** Returns the loss curve of a job. */
  metrics(job: Job): Promise<MetricsSeries>;
  /** Returns the kind of resource that is cached under this id. */
  kindOf(id: string): 'job' | 'file' | 'model' | undefined;
}

/** The key of an entity in a batch, with the end of the job that refers to it. */
interface EntityKey {
  readonly id: string;
  readonly end: JobEnd;
}

/** Maximum single reads per batch. More keys are read as a list, and single reads follow for those that it lacks. */
export const MAX_SINGLE_READS = { files: 3, models: 1 };

const newestFilesRequest = (purpose: string) => ({ limit: 100, after: null, purpose, order: 'desc' }) as const;

export function createLoaders(store: Store, access: Access, readContext: ReadContext): Loaders {
  const jobs = createBatchLoader<string, Job | null>(
    (id) => id,
    (ids) => ids.map((id) => store.jobs.get(access, id, readContext)),
  );

  const createFileLoader = (purpose: string) =>
    createBatchLoader<EntityKey, FileObject | null>(idOf, (keys) =>
      readEntities(keys, {
        getFresh: ({ id, end }) => store.files.getFresh(access, id, end, readContext),
        readList: async () =>
          valuesById((await store.files.list(access, newestFilesRequest(purpose), readContext)).items),
        readSingle: ({ id, end }) => store.files.get(access, id, end, readContext),
        getSettled: ({ id }) => store.files.getSettled(access, id),
        maxSingleReads: MAX_SINGLE_READS.files,
      }),
    );
  const files = createFileLoader('fine-tune');
  const resultFiles = createFileLoader('fine-tune-results');

  const models = createBatchLoader<EntityKey, Model | null>(idOf, (keys) =>
    readEntities(keys, {
      getFresh: ({ id, end }) => store.models.getFresh(access, id, end, readContext),
      readList: async () => valuesById(await store.models.list(access, readContext)),
      readSingle: ({ id, end }) => store.models.get(access, id, end, readContext),
      getSettled: ({ id }) => store.models.getSettled(access, id),
      maxSingleReads: MAX_SINGLE_READS.models,
    }),
  );

  const eventHeads = createBatchLoader<{ jobId: string; minCount: number }, LogSegment>(
    ({ jobId, minCount }) => `${minCount} ${jobId}`,
    (keys) => {
      const counts = new Map<string, number>();
      for (const { jobId, minCount } of keys) counts.set(jobId, Math.max(minCount, counts.get(jobId) ?? 0));
      const heads = new Map([...counts].map(([id, count]) => [id, store.events.head(access, id, count, readContext)]));
      return keys.map(({ jobId }) => heads.get(jobId) as Promise<LogSegment>); // `counts` has each key's job.
    },
  );

  // One scan for all models of a batch, until each has its job.
  const jobsOfModels = new DataLoader<string, Job | null>(async (modelIds) => {
    const wanted = new Set(modelIds);
    const criteria = { metadata: {}, oldest: Number.NEGATIVE_INFINITY };
    const matches = ({ fine_tuned_model: id }: Job) => id !== null && wanted.delete(id);
    const scan = await scanJobs({ limit: wanted.size, after: null }, { ...criteria, matches }, (page) =>
      store.jobs.list(access, page, readContext),
    );
    const found = new Map(scan.items.flatMap(({ value }) => (value ? [[value.fine_tuned_model, value]] : [])));
    return modelIds.map((id) => found.get(id) ?? null);
  });

  const endOf = (job: Job | undefined) => (job ? store.jobs.invalidation.end(access, job.id) : NOT_ENDED);
  const newestEvents = (jobId: string, minCount: number) => eventHeads.load({ jobId, minCount });

  return {
    job: (id) => jobs.load(id),
    jobs: (request) => store.jobs.list(access, request, readContext),
    file: (id, job) => files.load({ id, end: endOf(job) }),
    resultFile: (id, job) => resultFiles.load({ id, end: endOf(job) }),
    files: (request) => store.files.list(access, request, readContext),
    preview: (file, maxBytes) => store.contents.preview(access, file, maxBytes, readContext),
    trainingReport: (fileId, tokenizer) => store.trainingReports.get(access, fileId, tokenizer, readContext),
    download: (request, read) => store.contents.download(access, request, read, readContext),
    model: (id, job) => models.load({ id, end: endOf(job) }),
    jobOfModel: (modelId) => jobsOfModels.load(modelId),
    models: () => store.models.list(access, readContext),
    async events(jobId, request) {
      if (request.after !== null) return store.events.page(access, jobId, request, readContext);
      return pageOf(await newestEvents(jobId, request.limit), request);
    },
    newestEvents,
    olderEvents: (jobId, segment) => store.events.readOlder(access, jobId, segment, readContext),
    checkpoints: (jobId, request) => store.checkpoints.list(access, jobId, request, readContext),
    permissions: (model, request) => store.permissions.list(access, model, request, readContext),
    metrics: (job) => store.metrics.curve(access, job, () => newestEvents(job.id, EVENTS_PER_PAGE), readContext),
    kindOf: (id) => store.kindOf(access, id),
  };
}

const idOf = ({ id }: EntityKey) => id;

/** Creates a DataLoader. Each key of a batch has its own promise, and its own error. */
function createBatchLoader<K, V>(keyOf: (key: K) => string, readAll: (keys: readonly K[]) => readonly Promise<V>[]) {
  return new DataLoader<K, V, string>((keys) => Promise.all(readAll(keys).map((read) => read.catch(toError))), {
    cacheKeyFn: keyOf,
  });
}

interface EntityReads<T> {
  /** Returns the cached entity; null when it is known not to exist, undefined when unknown. */
  getFresh(key: EntityKey): T | null | undefined;
  readList(): Promise<ReadonlyMap<string, T>>;
  readSingle(key: EntityKey): Promise<T | null>;
  /** Returns a stale but settled entity, which is served while the upstream is down. */
  getSettled(key: EntityKey): T | undefined;
  maxSingleReads: number;
}

/** Reads many entities in the fewest calls: one list if many are unknown, and single reads for those that it lacks. */
function readEntities<T>(keys: readonly EntityKey[], reads: EntityReads<T>): Promise<T | null>[] {
  const cached = keys.map((key) => (isValidName(key.id) ? reads.getFresh(key) : null));
  const unknownCount = cached.filter((entity) => entity === undefined).length;
  const list = unknownCount > reads.maxSingleReads ? reads.readList().catch(emptyIfRejected) : null;
  return keys.map(async (key, index) => {
    const entity = cached[index];
    if (entity !== undefined) return entity;
    try {
      return (await list)?.get(key.id) ?? (await reads.readSingle(key));
    } catch (error) {
      const settled = isOutage(error) ? reads.getSettled(key) : undefined;
      if (settled === undefined) throw error;
      return settled;
    }
  });
}

// A server can reject the list and still return single entities. In an outage, single reads would fail too.
function emptyIfRejected(error: unknown): ReadonlyMap<string, never> {
  const isInvalid = error instanceof UpstreamError && error.code === 'UPSTREAM_INVALID_RESPONSE';
  if (isInvalid || isRejection(error)) return new Map<string, never>();
  throw error;
}

function valuesById<T extends { id: string }>(items: readonly PageItem<T>[]): Map<string, T> {
  return new Map(items.flatMap(({ value }) => (value ? [[value.id, value]] : [])));
}

// DataLoader expects an Error in place of the value of a key that failed.
function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The read was aborted.', { cause: reason });
}
