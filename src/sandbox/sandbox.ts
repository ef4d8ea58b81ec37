import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../clock.ts';
import { azure } from './azure.ts';
import type { Receiver } from './delivery.ts';
import { Download } from './download.ts';
import { Refusal, serverError } from './errors.ts';
import { type Flavour, openAi } from './flavour.ts';
import { answer } from './routes.ts';
import type { FlavourName } from './settings.ts';
import { createState, type State } from './state.ts';
import { createWebhooks } from './webhooks.ts';

const HOST = '127.0.0.1';
const FLAVOURS: Record<FlavourName, Flavour> = { openai: openAi, azure };

export interface SandboxOptions {
  /** The sandbox's time; its history lies before the moment of creation. */
  clock: Clock;
  /** How many times faster than in reality the jobs move that are created from now on. */
  speed: number;
  /** Which data: an integer. */
  seed: number;
  /** As whose server it answers; OpenAI's by default. */
  flavour?: FlavourName | undefined;
  /** The only key that is accepted; without it, any is that is not empty. */
  apiKey?: string | undefined;
  /** 0, the default, takes any free port. */
  port?: number | undefined;
  /** Told of a fault of the sandbox's own, which is answered as the real API answers its own: with 500. */
  onError?: (error: unknown) => void;
}

export interface Sandbox {
  /** Where the API begins: `http://127.0.0.1:PORT/v1`, or `/openai` in Azure's flavour. */
  readonly baseUrl: URL;
  /** A succeeded job that is always there, with events, checkpoints and every kind of file: for examples. */
  readonly exampleJobId: string;
  /** From now on, tells a receiver of each job that comes to its end. */
  sendWebhooks(receiver: Receiver): void;
  /** Ends every connection and stops listening. */
  dispose(): Promise<void>;
}

/** A fine-tuning jobs API in a box: a real HTTP server with jobs that move. Rejects when it cannot listen. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, speed, seed, port = 0 } = options;
  const flavour = FLAVOURS[options.flavour ?? 'openai'];
  const state = flavour.stateOf(createState({ seed, speed, startedAt: clock.now() }));
  const server = createServer((request, response) => {
    const begunAt = clock.now();
    const { status, headers, body } = respond(request, state, flavour, begunAt, options);
    const usual = flavour.headers(state.account, clock.now() - begunAt, randomUUID().replaceAll('-', ''));
    response.writeHead(status, { 'content-type': 'application/json', ...usual, ...headers });
    if (body instanceof Download) void send(body, response, options);
    else response.end(JSON.stringify(body));
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const listeningPort = typeof address === 'object' ? address?.port : port;
  const senders: ReturnType<typeof createWebhooks>[] = [];
  return {
    baseUrl: new URL(`http://${HOST}:${listeningPort}${flavour.basePath}`),
    exampleJobId: state.exampleJobId,
    sendWebhooks: (receiver) => void senders.push(createWebhooks({ state, clock, speed, ...receiver })),
    async dispose() {
      await Promise.all(senders.splice(0).map((sender) => sender.dispose()));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

function respond(
  request: IncomingMessage,
  state: State,
  flavour: Flavour,
  now: number,
  { apiKey, onError }: SandboxOptions,
): Response {
  const { method = '', url = '', headers } = request;
  const [path = '', ...rest] = url.split('?');
  const query = new URLSearchParams(rest.join('?'));
  try {
    flavour.admit(headers, query, apiKey);
    const body = answer(flavour.readRequest({ method, path, query, now }), state);
    if (body instanceof Download) return { status: 200, headers: body.headers, body };
    return { status: 200, headers: {}, body: flavour.body(body, now) };
  } catch (error) {
    if (!(error instanceof Refusal)) onError?.(error);
    const refusal = error instanceof Refusal ? error : serverError();
    return { status: refusal.status, headers: refusal.headers, body: flavour.errorBody(refusal) };
  }
}

/** Writes no faster than the client reads, and no more once it has left: that is no fault. */
async function send({ pieces }: Download, response: ServerResponse, { onError }: SandboxOptions): Promise<void> {
  try {
    await pipeline(Readable.from(pieces, { objectMode: false }), response);
  } catch (error) {
    if (!/^(ERR_STREAM_|ECONNRESET|EPIPE)/.test(Object(error).code)) onError?.(error);
  }
}
