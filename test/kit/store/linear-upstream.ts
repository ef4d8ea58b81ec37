import type { Clock } from '../../../src/clock.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import type { Call } from '../../../src/upstream/resilience/transport.ts';
import { type Job, readJob } from '../../../src/upstream/resources/job.ts';
import type { Page, PageRequest } from '../../../src/upstream/resources/page.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { jobBody } from '../bodies/job.ts';

/** A call that the test controls: it reads the state at `sample`, and settles at `respond` or `fail`. */
export interface PendingCall {
  readonly target: string;
  readonly startedAt: number;
  sample(): void;
  respond(): void;
  fail(error: Error): void;
}

/**
 * A linearizable upstream: each response has the state at some time between request and response. The test sets the state
 * of the jobs. The `seed` of a job is the version of its state.
 */
export interface LinearUpstream {
  readonly upstream: Upstream;
  readonly pending: readonly PendingCall[];
  /** All statuses of each job so far. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
  /** Sets the status of a job. Creates a job with a new id as the newest. */
  put(id: string, status: string): void;
}

export function createLinearUpstream(clock: Clock): LinearUpstream {
  const histories = new Map<string, string[]>();
  const pending: PendingCall[] = [];

  function currentJob(id: string): Job | null {
    const history = histories.get(id);
    if (!history) return null;
    const created_at = 1_760_000_000 + [...histories.keys()].indexOf(id);
    return readJob(jobBody({ id, created_at, status: history.at(-1), seed: history.length }));
  }

  function currentPage({ limit, after }: PageRequest): Page<Job> {
    const ids = [...histories.keys()].reverse();
    const start = after === null ? 0 : ids.indexOf(after) + 1;
    const items = ids.slice(start, start + limit).flatMap((id) => {
      const value = currentJob(id);
      return value ? [{ id, value }] : [];
    });
    return { items, hasMore: start + limit < ids.length };
  }

  function call<T>(target: string, read: () => T, { signal }: Call): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let sampled: { value: T } | undefined;
    const remove = () => pending.splice(pending.indexOf(entry), 1);
    const entry: PendingCall = {
      target,
      startedAt: clock.now(),
      sample() {
        sampled ??= { value: read() };
      },
      respond() {
        this.sample();
        remove();
        if (sampled) resolve(sampled.value);
      },
      fail(error) {
        remove();
        reject(error);
      },
    };
    pending.push(entry);
    signal.addEventListener('abort', () => pending.includes(entry) && entry.fail(signal.reason));
    return promise;
  }

  const unused = () => Promise.reject(new UpstreamError('UPSTREAM_UNSUPPORTED', 'not part of this test upstream'));
  return {
    pending,
    histories,
    put(id, status) {
      const history = histories.get(id) ?? [];
      histories.set(id, history);
      history.push(status);
    },
    upstream: {
      jobs: {
        get: (id, options) => call(id, () => currentJob(id), options),
        list: (request, options) => call('list', () => currentPage(request), options),
        create: unused,
        cancel: unused,
        pause: unused,
        resume: unused,
      },
      events: { list: unused },
      checkpoints: { list: unused },
      files: {
        get: unused,
        list: unused,
        content: unused,
        wholeContent: unused,
        download: unused,
        upload: unused,
        delete: unused,
      },
      models: { get: unused, list: unused, delete: unused },
      permissions: { list: unused, create: unused, delete: unused },
      graders: { run: unused, validate: unused },
      tokens: { count: unused, dispose: async () => {} },
      dispose: async () => {},
    },
  };
}
