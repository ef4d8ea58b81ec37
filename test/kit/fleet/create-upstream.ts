import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { jobBody } from '../bodies/job.ts';
import { pager, type ScriptedUpstream, startUpstream, writeResponse } from '../gateway/upstream.ts';

/** A request that waits for the test. */
export interface HeldRequest {
  /** Creates the job of a POST: it is in the list from now on. */
  create(): void;
  /** Answers: a POST with its job, which it creates if it does not exist. */
  answer(): void;
  /** Answers that the request is invalid. */
  refuse(): void;
}

/** An upstream that stores the jobs that are created in it, and holds requests on demand. */
export interface CreateUpstream
  extends Pick<ScriptedUpstream, 'baseUrl' | 'on' | 'onJob' | 'onEvents'>,
    AsyncDisposable {
  /** Jobs that were created. */
  readonly jobs: { readonly id: string }[];
  /** POST requests that have arrived. */
  readonly posts: () => number;
  /** Holds the next request of the method. Resolves when it has arrived. */
  holdNext(method: 'GET' | 'POST'): Promise<HeldRequest>;
}

export async function startCreateUpstream(): Promise<CreateUpstream> {
  const upstream = await startUpstream();
  const jobs: { readonly id: string }[] = [];
  const held: { method: string; resolve: (request: HeldRequest) => void }[] = [];
  let posts = 0;

  /** The first one to wait for the method, and is served. */
  function takeHolder(method = '') {
    const index = held.findIndex((holder) => holder.method === method);
    return index < 0 ? undefined : held.splice(index, 1)[0];
  }

  upstream.on('/fine_tuning/jobs', async (request: IncomingMessage, response: ServerResponse) => {
    const isCreate = request.method === 'POST';
    if (isCreate) posts++;
    const { metadata } = isCreate ? ((await json(request)) as { metadata: Record<string, string> }) : { metadata: {} }; // The body of a create.
    let job: { readonly id: string } | null = null;
    const create = () => {
      if (job !== null) return;
      job = jobBody({ id: `ftjob-${jobs.length + 1}`, metadata });
      jobs.unshift(job);
      upstream.onJob(job);
    };
    const answer = () => {
      if (!isCreate) return pager(jobs)(request, response);
      create();
      writeResponse(response, 200, job);
    };
    const refuse = () => writeResponse(response, 400, { error: { message: 'no' } });
    const holder = takeHolder(request.method);
    if (holder === undefined) answer();
    else holder.resolve({ create, answer, refuse });
  });

  return {
    ...upstream,
    jobs,
    posts: () => posts,
    async holdNext(method) {
      const { promise, resolve } = Promise.withResolvers<HeldRequest>();
      held.push({ method, resolve });
      return await promise;
    },
  };
}
