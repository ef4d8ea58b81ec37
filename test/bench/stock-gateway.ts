import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import { Agent } from 'undici';

// The alternative to this project: graphql-yoga with a DataLoader per request over the same REST API. Its names are those of
// the gateway's schema, so that it answers the same queries. Neither limits, authentication nor logs; no cache over time.

interface Entity {
  readonly id: string;
  readonly [member: string]: unknown;
}

interface Page {
  readonly data: readonly Entity[];
  readonly has_more: boolean;
}

interface PageArguments {
  readonly first: number;
  readonly after?: string | null;
}

interface Context {
  readonly rest: DataLoader<string, unknown>;
}

const baseUrl = new URL(process.env['OPENAI_BASE_URL'] ?? '');
const agent = new Agent();

/** GET of a path below the base URL. Null for a 404. */
async function get(path: string): Promise<unknown> {
  const { statusCode, body } = await agent.request({
    origin: baseUrl.origin,
    path: `${baseUrl.pathname}${path}`,
    method: 'GET',
  });
  if (statusCode === 200) return body.json();
  await body.dump();
  if (statusCode === 404) return null;
  throw new Error(`GET ${path}: got status ${statusCode}, expected 200.`);
}

/** Equal paths of one request are read once. */
const createContext = (): Context => ({
  rest: new DataLoader((paths) => Promise.all(paths.map((path) => get(path).catch((error: Error) => error)))),
});

async function connection(path: string, { first, after }: PageArguments, { rest }: Context) {
  const cursor = after ? `&after=${encodeURIComponent(after)}` : '';
  const page = (await rest.load(`${path}?limit=${first}${cursor}`)) as Page | null; // Of the REST API.
  const { data = [], has_more: hasNextPage = false } = page ?? {};
  return {
    edges: data.map((node) => ({ cursor: node.id, node })),
    pageInfo: { hasNextPage, endCursor: data.at(-1)?.id ?? null },
  };
}

const member = (name: string) => (entity: Entity) => entity[name];
const upperCase = (name: string) => (entity: Entity) => String(entity[name]).toUpperCase();
const fileOf =
  (name: string) =>
  (job: Entity, _: unknown, { rest }: Context) =>
    typeof job[name] === 'string' ? rest.load(`/files/${job[name]}`) : null;
const partsOf = (name: string) => (job: Entity, page: PageArguments, context: Context) =>
  connection(`/fine_tuning/jobs/${job.id}/${name}`, page, context);
const connectionType = (name: string) => `
  type ${name}Connection { edges: [${name}Edge!]! pageInfo: PageInfo! }
  type ${name}Edge { cursor: String! node: ${name}! }`;

const typeDefs = `
  type Query {
    fineTuningJob(id: ID!): FineTuningJob
    fineTuningJobs(first: Int = 20, after: String): FineTuningJobConnection!
  }
  type FineTuningJob {
    id: ID! status: String! modelId: ID! createdAt: Int! finishedAt: Int fineTunedModelId: ID trainedTokens: Int seed: Int
    trainingFile: File validationFile: File
    events(first: Int = 20, after: String): FineTuningJobEventConnection!
    checkpoints(first: Int = 10, after: String): FineTuningJobCheckpointConnection!
  }
  type File { id: ID! filename: String! bytes: Int! }
  type FineTuningJobEvent { id: ID! createdAt: Int! level: String! message: String! }
  type FineTuningJobCheckpoint { id: ID! stepNumber: Int! fineTunedModelId: ID! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  ${['FineTuningJob', 'FineTuningJobEvent', 'FineTuningJobCheckpoint'].map(connectionType).join('')}
`;

const resolvers = {
  Query: {
    fineTuningJob: (_: unknown, { id }: { id: string }, { rest }: Context) => rest.load(`/fine_tuning/jobs/${id}`),
    fineTuningJobs: (_: unknown, page: PageArguments, context: Context) =>
      connection('/fine_tuning/jobs', page, context),
  },
  FineTuningJob: {
    status: upperCase('status'),
    modelId: member('model'),
    createdAt: member('created_at'),
    finishedAt: member('finished_at'),
    fineTunedModelId: member('fine_tuned_model'),
    trainedTokens: member('trained_tokens'),
    trainingFile: fileOf('training_file'),
    validationFile: fileOf('validation_file'),
    events: partsOf('events'),
    checkpoints: partsOf('checkpoints'),
  },
  FineTuningJobEvent: { createdAt: member('created_at'), level: upperCase('level') },
  FineTuningJobCheckpoint: {
    stepNumber: member('step_number'),
    fineTunedModelId: member('fine_tuned_model_checkpoint'),
  },
};

const schema = createSchema<Context>({ typeDefs, resolvers });
const server = createServer(createYoga({ schema, context: createContext, logging: false, graphiql: false }));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // Of TCP.
  process.stderr.write(`http://127.0.0.1:${port}/graphql\n`);
});
