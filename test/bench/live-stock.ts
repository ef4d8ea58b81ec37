import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';

// A server of graphql-yoga alone: it polls each job that has subscribers, publishes its changes, and executes the
// subscription of each subscriber by itself.

interface Job {
  readonly id: string;
  readonly status: string;
  readonly seed: number;
}

interface Change {
  readonly job: Job;
  readonly status: string;
  readonly previousStatus: string | null;
  readonly observedAt: number;
}

interface Poll {
  last: Promise<Change>;
  readers: number;
  readonly timer: NodeJS.Timeout;
}

const { OPENAI_BASE_URL = '', POLL_INTERVAL_MS } = process.env;
const pubSub = createPubSub<{ changed: [jobId: string, change: Change] }>();
const polls = new Map<string, Poll>();

async function read(id: string, previous: Change | null): Promise<Change> {
  const response = await fetch(`${OPENAI_BASE_URL}/fine_tuning/jobs/${id}`);
  const job = (await response.json()) as Job; // Of our own stub.
  const { status } = job;
  return { job, status, previousStatus: previous?.status ?? null, observedAt: Math.floor(Date.now() / 1000) };
}

function pollOf(id: string): Poll {
  const known = polls.get(id);
  if (known) return known;
  const update = async () => {
    const before = await poll.last;
    const change = await read(id, before);
    if (change.status === before.status) return;
    poll.last = Promise.resolve(change);
    pubSub.publish('changed', id, change);
  };
  let isRunning = false;
  const timer = setInterval(async () => {
    if (isRunning) return;
    isRunning = true;
    await update();
    isRunning = false;
  }, Number(POLL_INTERVAL_MS));
  const poll: Poll = { last: read(id, null), readers: 0, timer };
  polls.set(id, poll);
  return poll;
}

async function* changesOf(id: string): AsyncGenerator<Change> {
  const poll = pollOf(id);
  poll.readers++;
  try {
    yield await poll.last;
    yield* pubSub.subscribe('changed', id);
  } finally {
    if (--poll.readers === 0) {
      clearInterval(poll.timer);
      polls.delete(id);
    }
  }
}

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: `
      type Query { ok: Boolean }
      type Subscription { fineTuningJobStatusChanged(jobId: ID!): FineTuningJobStatusChange! }
      type FineTuningJobStatusChange { job: FineTuningJob! status: String! previousStatus: String observedAt: Int! }
      type FineTuningJob { id: ID! status: String! seed: Int }
    `,
    resolvers: {
      Subscription: {
        fineTuningJobStatusChanged: {
          subscribe: (_root: unknown, { jobId }: { jobId: string }) => changesOf(jobId),
          resolve: (change: Change) => change,
        },
      },
    },
  }),
});

const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // Of TCP.
  process.stderr.write(`http://127.0.0.1:${port}/graphql\n`);
});
