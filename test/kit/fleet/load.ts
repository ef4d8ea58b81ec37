import { setTimeout } from 'node:timers/promises';
import { type CreateOutcome, create, idOf } from '../mutation/create-job.ts';
import { INPUT } from './replicas.ts';

/** Requests of each client until it creates a job. */
const QUERIES_PER_CREATE = 25;

/** Clients that send one request after the other. */
export interface Load {
  /** Queries that got the right answer. */
  readonly answers: number;
  /** All other answers to queries, and creates without an answer. */
  readonly failures: readonly unknown[];
  /** The job of each idempotency key. */
  readonly created: ReadonlyMap<string, string>;
  /** Resolves when each client has the answer to its last request. */
  stop(): Promise<void>;
}

/** Queries the running job, by POST and GET in turn, and creates jobs, each with a key of its own. */
export function startLoad(url: string, jobId: string, clients: number): Load {
  let [isOver, answers] = [false, 0];
  const failures: unknown[] = [];
  const created = new Map<string, string>();

  async function query(text: string, isGet: boolean) {
    const answer = await (isGet ? getQuery(url, text) : postQuery(url, text)).catch(describeError);
    if (answer === '200 {"data":{"fineTuningJob":{"status":"RUNNING"}}}') answers++;
    else failures.push(answer);
  }

  /** Creates a job as docs/clients.md says: with the same key until it succeeds. */
  async function createOnce(idempotencyKey: string) {
    for (;;) {
      const outcome: CreateOutcome | string = await create({ url }, { ...INPUT, idempotencyKey }).catch(describeError);
      if (typeof outcome === 'string') failures.push(outcome);
      else {
        const id = idOf(outcome);
        if (id !== null) return void created.set(idempotencyKey, id);
        if (!RETRIED.includes(outcome.__typename)) throw new Error(JSON.stringify(outcome));
        await setTimeout(1000 * (outcome.retryAfterSeconds ?? 1));
      }
    }
  }

  async function run(client: number) {
    for (let count = 1; !isOver; count++) {
      const text = `{ fineTuningJob(id: "${jobId}") { status } } # ${client} ${count}`; // In no cache of responses.
      await query(text, count % 2 === 0);
      if (count % QUERIES_PER_CREATE === 0) await createOnce(`${client} ${count}`);
    }
  }

  const runs = Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return {
    get answers() {
      return answers;
    },
    failures,
    created,
    async stop() {
      isOver = true;
      await runs;
    },
  };
}

/** Failures after which a client creates again with the same key. */
const RETRIED = ['UnavailableError', 'OutcomeUnknownError'];

const describeError = (error: unknown) => (error instanceof Error ? `${error} ${error.cause ?? ''}` : String(error));

const textOf = async (response: Response) => `${response.status} ${await response.text()}`;

async function postQuery(url: string, query: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  return await textOf(await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) }));
}

async function getQuery(url: string, query: string): Promise<string> {
  const headers = { accept: 'application/json', 'graphql-require-preflight': '1' };
  return await textOf(await fetch(`${url}?${new URLSearchParams({ query })}`, { headers }));
}
