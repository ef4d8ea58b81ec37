import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Clock } from '../clock.ts';
import type { ContextFactory } from '../context.ts';
import { createAllow } from './allowance.ts';
import { createAnswers } from './answers.ts';
import { createEngine } from './engine.ts';
import { createFront } from './front.ts';
import { createGraphiql } from './graphiql.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './log.ts';

/** How long requests under way may take to end when the server stops, in milliseconds. */
const GRACE_MS = 10_000;

export interface ServerOptions {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  limits: Limits;
  schema: GraphQLSchema;
  createContext: ContextFactory;
  /** Filled into an example tab of GraphiQL. */
  exampleJobId: string;
  log: Logger;
  clock: Clock;
}

export interface Server {
  /** Where GraphQL is, e.g. `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Takes no new connection, lets what is under way end, and cuts what takes longer than ten seconds. */
  dispose(): Promise<void>;
}

/** Listens. Rejects with Node's error when the address cannot be taken. */
export async function createServer({
  host,
  port,
  limits,
  schema,
  exampleJobId,
  ...rest
}: ServerOptions): Promise<Server> {
  let isReady = true;
  const front = createFront({
    engine: createEngine(schema, rest.log),
    allow: createAllow(limits),
    answers: createAnswers(rest.clock),
    graphiql: createGraphiql(exampleJobId),
    isReady: () => isReady,
    ...rest,
  });
  const server = createHttpServer({ keepAliveTimeout: 65_000 }, front);
  const idle = idleSocketsOf(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: urlOf(host, server.address() as AddressInfo), // A server that listens on TCP has such an address.
    async dispose() {
      isReady = false;
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of idle) socket.destroy();
      const cancelCut = rest.clock.after(GRACE_MS, () => server.closeAllConnections());
      await closed;
      cancelCut();
    },
  };
}

// Connections without a request under way. Node's own count leaves out those that have not sent a whole one yet, such as
// a browser opens in advance.
function idleSocketsOf(server: HttpServer): ReadonlySet<Socket> {
  const idle = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.on('close', () => idle.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.on('close', () => socket.destroyed || idle.add(socket));
  });
  return idle;
}

// What a person on this machine can open: of an address that means all of them, the name that is always answered.
function urlOf(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}/graphql`;
}
