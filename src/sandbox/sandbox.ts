import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Account } from './account.ts';
import { checkKey } from './auth.ts';
import { Refusal, serverError } from './errors.ts';
import { answer } from './routes.ts';
import { createState, type State } from './state.ts';

const HOST = '127.0.0.1';

export interface SandboxOptions {
  /** The sandbox's time; its history lies before the moment of creation. */
  clock: Clock;
  /** How many times faster than in reality the jobs move that are created from now on. */
  speed: number;
  /** Which data: an integer. */
  seed: number;
  /** The only key that is accepted; without it, any is that is not empty. */
  apiKey?: string | undefined;
  /** 0, the default, takes any free port. */
  port?: number | undefined;
  /** Told of a fault of the sandbox's own, which is answered as the real API answers its own: with 500. */
  onError?: (error: unknown) => void;
}

export interface Sandbox {
  /** Where the API begins: `http://127.0.0.1:PORT/v1`. */
  readonly baseUrl: URL;
  /** A job that is always there, and has something in most of its members: for examples. */
  readonly exampleJobId: string;
  /** Ends every connection and stops listening. */
  dispose(): Promise<void>;
}

/** A fine-tuning jobs API in a box: a real HTTP server with jobs that move. Rejects when it cannot listen. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, speed, seed, port = 0 } = options;
  const state = createState({ seed, speed, startedAt: clock.now() });
  const server = createServer((request, response) => {
    const begunAt = clock.now();
    const { status, headers, body } = respond(request, state, begunAt, options);
    response.writeHead(status, { ...usualHeaders(state.account, clock.now() - begunAt), ...headers });
    response.end(JSON.stringify(body));
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const listeningPort = typeof address === 'object' ? address?.port : port;
  return {
    baseUrl: new URL(`http://${HOST}:${listeningPort}/v1`),
    exampleJobId: state.exampleJobId,
    dispose: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

function respond(request: IncomingMessage, state: State, now: number, { apiKey, onError }: SandboxOptions): Response {
  const { method = '', url = '', headers } = request;
  const [path = '', ...query] = url.split('?');
  try {
    checkKey(headers.authorization, apiKey);
    const body = answer({ method, path, query: new URLSearchParams(query.join('?')), now }, state);
    return { status: 200, headers: {}, body };
  } catch (error) {
    if (error instanceof Refusal) return error;
    onError?.(error);
    return serverError;
  }
}

/** What comes with every answer, errors included (UPSTREAM.md 2.8); no rate-limit headers on these endpoints. */
function usualHeaders({ organization, projectId }: Account, processingMs: number): Record<string, string> {
  return {
    'content-type': 'application/json',
    'openai-organization': organization,
    'openai-processing-ms': String(Math.round(processingMs)),
    'openai-project': projectId,
    'openai-version': '2020-10-01',
    'x-request-id': `req_${randomUUID().replaceAll('-', '')}`,
  };
}
