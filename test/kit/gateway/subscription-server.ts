import { buildSchema, type GraphQLFieldResolver, GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { createIdempotentCreator } from '../../../src/commands/idempotency/create-once.ts';
import { readConfig } from '../../../src/config/config.ts';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { type Context, createContextFactory } from '../../../src/request/context.ts';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createAuthenticate } from '../../../src/server/auth/authenticate.ts';
import { createServer } from '../../../src/server/server.ts';
import { createMemoryState } from '../../../src/state/memory/memory-state.ts';
import { createStore } from '../../../src/store/store.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createCredentialSource } from '../../../src/upstream/credentials/credential-source.ts';
import { createUpstream } from '../../../src/upstream/upstream.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock, type TestClock } from '../clock.ts';
import { NO_MUTATIONS } from '../mutation/policy.ts';
import { rethrow } from '../rethrow.ts';
import { CONTEXT_OPTIONS } from './context-options.ts';
import { createTopic, type Topic } from './topic.ts';

const SDL = `
  type Query { role: String text(length: Int!): String slow: String }
  type Mutation { touch: String }
  type Subscription {
    changed(topic: String!, options: Options, since: ID): Change!
    refused: Change!
    broken: Change!
  }
  input Options { a: Int b: Int }
  type Change { n: Int! role: String viewer: String text: String slow: String fault: String }
`;

/** A server whose subscriptions a test drives. */
export interface SubscriptionServer extends AsyncDisposable {
  readonly url: string;
  /** Stops the server. Its disposal does so too. */
  stop(): Promise<void>;
  readonly clock: TestClock;
  readonly log: Record<string, unknown>[];
  topic(name: string): Topic;
  /** Number of resolver calls so far: `changed` counts sources, `n` counts events. */
  readonly calls: Record<'changed' | 'n', number>;
  /** The contexts of the sources. */
  readonly sources: Context[];
  /** The contexts of the executed events, and of the query `slow`. */
  readonly events: Context[];
  /** Completes the events that are waiting for `slow`. */
  release(): void;
}

type Resolver = GraphQLFieldResolver<Record<string, unknown>, Context>;

/** `settings` are the environment. Only the settings of the server are used. */
export async function startSubscriptionServer(settings: Record<string, string> = {}): Promise<SubscriptionServer> {
  const config = readConfig(settings);
  const clock = createTestClock();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'debug',
    secrets: [],
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  const upstream = createUpstream({
    baseUrl: new URL('http://127.0.0.1:9'),
    timeoutMs: 1,
    connections: 1,
    retries: 0,
    maxRps: 1000,
    clock,
  });
  const store = createStore({ upstream, clock, activeMs: 0, settledMs: 0, memoryCache: createMemoryCache(1) });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 1000, onListenerError: rethrow });
  const script = createScript();
  const server = await createServer({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['127.0.0.1', 'localhost'],
    trustedProxies: [],
    http: config.http,
    limits: config.limits,
    isPassthrough: config.auth.kind === 'passthrough',
    subscriptions: config.subscriptions,
    state: createMemoryState(clock),
    shutdown: config.shutdown,
    upstreamConnections: config.upstreamCalls.connections,
    schema: script.schema,
    authenticate: createAuthenticate({
      auth: config.auth,
      credentials: createCredentialSource({ apiKey: 'test' }),
      clock,
      log,
    }),
    createContext: createContextFactory({
      clock,
      upstream,
      store,
      watcher,
      creator: createIdempotentCreator({
        upstream,
        store,
        clock,
        ledger: createMemoryState(clock).ledger,
        timeoutMs: 1,
      }),
      mutations: NO_MUTATIONS,
      ...CONTEXT_OPTIONS,
    }),
    generationOf: store.jobs.invalidation.responseGeneration,
    examples: { jobId: 'ftjob-1', fileId: 'file-1' },
    webhookSecret: undefined,
    findProblem: async () => null,
    onHint: watcher.hint,
    log,
    clock,
    memoryCache: createMemoryCache(1),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.dispose();
    return stopped;
  };
  return {
    ...script,
    url: server.url,
    stop,
    clock,
    log: lines,
    async [Symbol.asyncDispose]() {
      await stop();
      await upstream.dispose();
    },
  };
}

function createScript() {
  const schema = buildSchema(SDL);
  const topics = new Map<string, Topic>();
  const topic = (name: string) => topics.get(name) ?? topics.set(name, createTopic()).get(name) ?? createTopic();
  const calls = { changed: 0, n: 0 };
  const sources: Context[] = [];
  const events: Context[] = [];
  let gate = Promise.withResolvers<void>();
  const slow: Resolver = async (_source, _args, { readContext }) => {
    const left = new Promise<never>((_, reject) => readContext.cancellation.addCallback(reject));
    await Promise.race([gate.promise, left]);
    return 'slow';
  };
  resolve(schema, 'Query', {
    slow: (source, args, context, info) => {
      events.push(context);
      return slow(source, args, context, info);
    },
    role: (_root, _args, { viewer }) => viewer.role,
    text: (_root, { length }) => 'x'.repeat(length),
  });
  resolve(schema, 'Mutation', { touch: () => 'touched' });
  resolve(schema, 'Change', {
    n: ({ n }, _args, context) => {
      calls.n++;
      events.push(context);
      return n;
    },
    role: (_change, _args, { viewer }) => viewer.role,
    text: ({ text }) => text,
    viewer: (_change, _args, { viewer }) => viewer.name,
    slow,
    fault: () => {
      throw new TypeError('cannot read /etc/secret.ts');
    },
  });
  subscribe(schema, {
    changed: (_root, args, context) => {
      calls.changed++;
      sources.push(context);
      return topic(args['topic']);
    },
    refused: () => Promise.reject(new Error('internal detail')),
    broken: () => {
      throw new TypeError('internal detail');
    },
  });
  const release = () => {
    gate.resolve();
    gate = Promise.withResolvers();
  };
  return { schema, topic, calls, sources, events, release };
}

function fieldsOf(schema: GraphQLSchema, name: string) {
  const type = schema.getType(name);
  if (!(type instanceof GraphQLObjectType)) throw new Error(`${name}: expected an object type`);
  return type.getFields();
}

function resolve(schema: GraphQLSchema, type: string, resolvers: Record<string, Resolver>): void {
  for (const [name, resolver] of Object.entries(resolvers)) {
    Object.assign(fieldsOf(schema, type)[name] ?? {}, { resolve: resolver });
  }
}

function subscribe(schema: GraphQLSchema, resolvers: Record<string, Resolver>): void {
  for (const [name, resolver] of Object.entries(resolvers)) {
    Object.assign(fieldsOf(schema, 'Subscription')[name] ?? {}, {
      subscribe: resolver,
      resolve: (item: unknown) => item,
    });
  }
}
