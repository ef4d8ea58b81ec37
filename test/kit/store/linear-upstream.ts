import type { Clock } from '../../../src/clock.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import type { Call } from '../../../src/upstream/resilience/transport.ts';
import { type Job, readJob } from '../../../src/upstream/resources/job.ts';
import type { Page, PageRequest } from '../../../src/upstream/resources/page.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { jobBody } from '../bodies/job.ts';

/** A call that waits for the test: it sees the truth at `sample`, and comes back at `answer` or `fail`. */
export interface PendingCall {
  readonly target: string;
  readonly askedAt: number;
  sample(): void;
  answer(): void;
  fail(error: Error): void;
}

/**
 * An upstream whose jobs are what the test says at each moment, and whose answers tell the truth of some moment between
 * question and answer. Each job tells the version of its state as its `seed`.
 */
export interface LinearUpstream {
  readonly upstream: Upstream;
  readonly pending: readonly PendingCall[];
  /** The states of each job so far. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
  /** Puts a job into a state; a new one is created, newer than all others. */
  put(id: string, status: string): void;
}

export function createLinearUpstream(clock: Clock): LinearUpstream {
  const histories = new Map<string, string[]>();
  const pending: PendingCall[] = [];

  function jobNow(id: string): Job | null {
    const history = histories.get(id);
    if (!history) return null;
    const created_at = 1_760_000_000 + [...histories.keys()].indexOf(id);
    return readJob(jobBody({ id, created_at, status: history.at(-1), seed: history.length }));
  }

  function pageNow({ limit, after }: PageRequest): Page<Job> {
    const ids = [...histories.keys()].reverse();
    const from = after === null ? 0 : ids.indexOf(after) + 1;
    const items = ids.slice(from, from + limit).flatMap((id) => {
      const value = jobNow(id);
      return value ? [{ id, value }] : [];
    });
    return { items, hasMore: from + limit < ids.length };
  }

  function call<T>(target: string, see: () => T, { signal }: Call): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let seen: { value: T } | undefined;
    const take = () => pending.splice(pending.indexOf(entry), 1);
    const entry: PendingCall = {
      target,
      askedAt: clock.now(),
      sample() {
        seen ??= { value: see() };
      },
      answer() {
        this.sample();
        take();
        if (seen) resolve(seen.value);
      },
      fail(error) {
        take();
        reject(error);
      },
    };
    pending.push(entry);
    signal.addEventListener('abort', () => pending.includes(entry) && entry.fail(signal.reason));
    return promise;
  }

  const unused = () => Promise.reject(new UpstreamError('UPSTREAM_UNSUPPORTED', 'not asked for here'));
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
        get: (id, options) => call(id, () => jobNow(id), options),
        list: (request, options) => call('list', () => pageNow(request), options),
        create: unused,
        cancel: unused,
        pause: unused,
        resume: unused,
      },
      events: { list: unused },
      checkpoints: { list: unused },
      files: { get: unused, list: unused, content: unused, wholeContent: unused, upload: unused, delete: unused },
      models: { get: unused, list: unused, delete: unused },
      permissions: { list: unused, create: unused, delete: unused },
      graders: { run: unused, validate: unused },
      dispose: async () => {},
    },
  };
}
