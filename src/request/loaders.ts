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
import type { ContentResponse } from '../upstream/http/content-response.ts';
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
import { allSettled, createEntityLoader, type EntityLoader, valuesById } from './entity-loader.ts';

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

/** Maximum single reads per batch. More keys are read as a list, and single reads follow for those that it lacks. */
export const MAX_SINGLE_READS = { files: 3, models: 1 };

const newestFilesRequest = (purpose: string) => ({ limit: 100, after: null, purpose, order: 'desc' }) as const;

/** The newest events of a job that are asked for in one batch. */
interface EventHeadKey {
  readonly jobId: string;
  readonly minCount: number;
}

/** A class, because there is one per request. Each DataLoader is created at the first read of its kind. */
export class RequestLoaders implements Loaders {
  readonly #store: Store;
  readonly #access: Access;
  readonly #readContext: ReadContext;
  #jobs: DataLoader<string, Job | null> | null = null;
  #files: EntityLoader<FileObject> | null = null;
  #resultFiles: EntityLoader<FileObject> | null = null;
  #models: EntityLoader<Model> | null = null;
  #eventHeads: DataLoader<EventHeadKey, LogSegment, string> | null = null;
  #jobsOfModels: DataLoader<string, Job | null> | null = null;

  constructor(store: Store, access: Access, readContext: ReadContext) {
    this.#store = store;
    this.#access = access;
    this.#readContext = readContext;
  }

  job(id: string) {
    const { jobs } = this.#store;
    this.#jobs ??= new DataLoader((ids) =>
      allSettled(ids.map((each) => jobs.get(this.#access, each, this.#readContext))),
    );
    return this.#jobs.load(id);
  }

  jobs(page: JobPageRequest) {
    return this.#store.jobs.list(this.#access, page, this.#readContext);
  }

  file(id: string, job?: Job) {
    this.#files ??= this.#createFileLoader('fine-tune');
    return this.#files.load({ id, end: this.#endOf(job) });
  }

  resultFile(id: string, job: Job) {
    this.#resultFiles ??= this.#createFileLoader('fine-tune-results');
    return this.#resultFiles.load({ id, end: this.#endOf(job) });
  }

  files(page: FilePageRequest) {
    return this.#store.files.list(this.#access, page, this.#readContext);
  }

  preview(file: FileObject, maxBytes: number) {
    return this.#store.contents.preview(this.#access, file, maxBytes, this.#readContext);
  }

  download<T>(request: DownloadRequest, read: (content: ContentResponse) => Promise<T>) {
    return this.#store.contents.download(this.#access, request, read, this.#readContext);
  }

  trainingReport(fileId: string, tokenizer: ReportTokenizer) {
    return this.#store.trainingReports.get(this.#access, fileId, tokenizer, this.#readContext);
  }

  model(id: string, job?: Job) {
    const { models } = this.#store;
    this.#models ??= createEntityLoader(this.#access, this.#readContext, {
      store: models,
      readList: async (readContext) => valuesById(await models.list(this.#access, readContext)),
      maxSingleReads: MAX_SINGLE_READS.models,
    });
    return this.#models.load({ id, end: this.#endOf(job) });
  }

  jobOfModel(modelId: string) {
    this.#jobsOfModels ??= new DataLoader((ids) => this.#scanForModels(ids));
    return this.#jobsOfModels.load(modelId);
  }

  models() {
    return this.#store.models.list(this.#access, this.#readContext);
  }

  async events(jobId: string, page: PageRequest) {
    if (page.after !== null) return await this.#store.events.page(this.#access, jobId, page, this.#readContext);
    return pageOf(await this.newestEvents(jobId, page.limit), page);
  }

  newestEvents(jobId: string, minCount: number) {
    this.#eventHeads ??= new DataLoader((keys) => this.#readEventHeads(keys), {
      cacheKeyFn: (key) => `${key.minCount} ${key.jobId}`,
    });
    return this.#eventHeads.load({ jobId, minCount });
  }

  olderEvents(jobId: string, segment: LogSegment) {
    return this.#store.events.readOlder(this.#access, jobId, segment, this.#readContext);
  }

  checkpoints(jobId: string, page: PageRequest) {
    return this.#store.checkpoints.list(this.#access, jobId, page, this.#readContext);
  }

  permissions(model: string, page: PermissionPageRequest) {
    return this.#store.permissions.list(this.#access, model, page, this.#readContext);
  }

  metrics(job: Job) {
    const readHead = () => this.newestEvents(job.id, EVENTS_PER_PAGE);
    return this.#store.metrics.curve(this.#access, job, readHead, this.#readContext);
  }

  kindOf(id: string) {
    return this.#store.kindOf(this.#access, id);
  }

  #endOf(job: Job | undefined): JobEnd {
    return job ? this.#store.jobs.invalidation.end(this.#access, job.id) : NOT_ENDED;
  }

  #createFileLoader(purpose: string): EntityLoader<FileObject> {
    const { files } = this.#store;
    return createEntityLoader(this.#access, this.#readContext, {
      store: files,
      readList: async (readContext) =>
        valuesById((await files.list(this.#access, newestFilesRequest(purpose), readContext)).items),
      maxSingleReads: MAX_SINGLE_READS.files,
    });
  }

  /** Reads each log once, with the largest of the wanted numbers of events. */
  #readEventHeads(keys: readonly EventHeadKey[]) {
    const { events } = this.#store;
    const counts = new Map<string, number>();
    for (const { jobId, minCount } of keys) counts.set(jobId, Math.max(minCount, counts.get(jobId) ?? 0));
    const heads = new Map(
      [...counts].map(([id, count]) => [id, events.head(this.#access, id, count, this.#readContext)]),
    );
    return allSettled(keys.map(({ jobId }) => heads.get(jobId) as Promise<LogSegment>)); // `counts` has each key's job.
  }

  /** One scan for all models of a batch, until each has its job. */
  async #scanForModels(modelIds: readonly string[]) {
    const wanted = new Set(modelIds);
    const criteria = { metadata: {}, oldest: Number.NEGATIVE_INFINITY };
    const matches = ({ fine_tuned_model: id }: Job) => id !== null && wanted.delete(id);
    const scan = await scanJobs({ limit: wanted.size, after: null }, { ...criteria, matches }, (page) =>
      this.jobs(page),
    );
    const found = new Map(scan.items.flatMap(({ value }) => (value ? [[value.fine_tuned_model, value]] : [])));
    return modelIds.map((id) => found.get(id) ?? null);
  }
}
