import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Job } from '../upstream/job.ts';
import type { Page, PageRequest } from '../upstream/page.ts';
import { isName } from '../upstream/path.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type Caller, createFlights, type Departure } from './flights.ts';
import { type FreshnessLimits, type JobSight, jobFreshUntil, listFreshUntil, remember } from './freshness.ts';
import type { Access } from './scope.ts';

/** What the gateway knows now: reads are shared while under way and kept while fresh, each within its scope. */
export interface Store {
  /** The job as it is now, null when there is none. Throws UpstreamError, or the reason of the caller's signal. */
  job(access: Access, id: string, caller: Caller): Promise<Job | null>;
  /** One page of the jobs, newest first. Throws UpstreamError, or the reason of the caller's signal. */
  jobs(access: Access, page: PageRequest, caller: Caller): Promise<Page<Job>>;
}

export interface StoreOptions extends FreshnessLimits {
  upstream: Upstream;
  clock: Clock;
  /** Most memory that kept values may take, in bytes. */
  maxBytes: number;
}

interface JobEntry {
  readonly kind: 'job';
  readonly sight: JobSight;
  readonly size: number;
}
interface PageEntry {
  readonly kind: 'page';
  readonly sight: PageSight;
  readonly size: number;
}
interface PageSight {
  readonly page: Page<Job>;
  readonly arrivedAt: number;
}

// What a kept value weighs for each character of the JSON it was read from, and beside it. Measured: a job of 1,000
// characters takes 1,760 bytes, one of 9,000 takes 9,720.
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_ENTRY = 500;

export function createStore({ upstream, clock, maxBytes, ...limits }: StoreOptions): Store {
  const kept = new LRUCache<string, JobEntry | PageEntry>({
    maxSize: maxBytes,
    sizeCalculation: ({ size }, key) => BYTES_PER_ENTRY + BYTES_PER_CHARACTER * (size + key.length),
  });
  const jobFlights = createFlights<JobSight>();
  const pageFlights = createFlights<PageSight>();
  const keepsJobs = limits.activeMs > 0 || limits.settledMs > 0;
  const keepsPages = limits.activeMs > 0;

  // Every sight of a job, whoever caused it, comes through here. Gives the sight to be believed.
  function see(access: Access, id: string, seen: Omit<JobSight, 'terminalSince'>, size: number): JobSight {
    if (!keepsJobs) return remember(undefined, seen);
    const key = jobKey(access, id);
    const sight = remember(keptJob(key), seen);
    kept.set(key, { kind: 'job', sight, size });
    return sight;
  }

  function keptJob(key: string): JobSight | undefined {
    const entry = kept.get(key);
    return entry?.kind === 'job' ? entry.sight : undefined;
  }

  function keptPage(key: string): PageSight | undefined {
    const entry = kept.get(key);
    return entry?.kind === 'page' ? entry.sight : undefined;
  }

  async function readJob(access: Access, id: string, departure: Departure): Promise<JobSight> {
    const beganAt = clock.now();
    const { value, size } = await upstream.jobs.get(id, { credential: access.credential, ...departure });
    return see(access, id, { job: value, beganAt, arrivedAt: clock.now() }, size);
  }

  async function readPage(access: Access, request: PageRequest, departure: Departure): Promise<PageSight> {
    const beganAt = clock.now();
    const { value: page, size } = await upstream.jobs.list(request, { credential: access.credential, ...departure });
    const arrivedAt = clock.now();
    const sight = { page: believed(access, page, beganAt, arrivedAt, size), arrivedAt };
    if (keepsPages) kept.set(pageKey(access, request), { kind: 'page', sight, size });
    return sight;
  }

  // The page with the jobs that are to be believed: one that was read before may be newer.
  function believed(access: Access, page: Page<Job>, beganAt: number, arrivedAt: number, size: number): Page<Job> {
    if (!keepsJobs) return page;
    const share = Math.ceil(size / Math.max(1, page.items.length));
    const items = page.items.map((item) => {
      if (!item.value) return item;
      const { job } = see(access, item.id, { job: item.value, beganAt, arrivedAt }, share);
      return { id: item.id, value: job ?? item.value };
    });
    return { ...page, items };
  }

  return {
    async job(access, id, caller) {
      if (!isName(id)) return null; // Not even kept: no client fills the store with what cannot be.
      const key = jobKey(access, id);
      let sight = keptJob(key);
      if (!sight || clock.now() >= jobFreshUntil(sight, limits)) {
        sight = await jobFlights.join(key, caller, (departure) => readJob(access, id, departure));
      }
      caller.freshUntil = Math.min(caller.freshUntil, jobFreshUntil(sight, limits));
      return sight.job;
    },
    async jobs(access, request, caller) {
      const key = pageKey(access, request);
      let sight = keptPage(key);
      if (!sight || clock.now() >= listFreshUntil(sight.arrivedAt, limits)) {
        sight = await pageFlights.join(key, caller, (departure) => readPage(access, request, departure));
      }
      caller.freshUntil = Math.min(caller.freshUntil, listFreshUntil(sight.arrivedAt, limits));
      return sight.page;
    },
  };
}

const jobKey = ({ scope }: Access, id: string) => `${scope} job ${id}`;
const pageKey = ({ scope }: Access, { limit, after }: PageRequest) => `${scope} jobs ${limit} ${after ?? ''}`;
