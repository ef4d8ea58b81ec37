import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Clock } from '../clock.ts';
import { azure } from './dialects/azure.ts';
import { type Dialect, openaiDialect } from './dialects/dialect.ts';
import { createSandboxHandler } from './http/sandbox-handler.ts';
import type { DialectName } from './settings.ts';
import type { Faults } from './state/faults.ts';
import type { JobQuota } from './state/quota.ts';
import type { SpoolLimits } from './state/spool.ts';
import { createState } from './state/state.ts';
import type { Receiver } from './webhooks/delivery.ts';
import { createWebhooks } from './webhooks/webhook-scheduler.ts';

const HOST = '127.0.0.1';
const DIALECTS: Record<DialectName, Dialect> = { openai: openaiDialect, azure };

export interface SandboxOptions {
  /** The sandbox's time; its history lies before the moment of creation. */
  clock: Clock;
  /** How many times faster than in reality the jobs move that are created from now on. */
  speed: number;
  /** Which data: an integer. */
  seed: number;
  /** As whose server it answers; OpenAI's by default. */
  dialect?: DialectName | undefined;
  /** The only key that is accepted; without it, any is that is not empty. */
  apiKey?: string | undefined;
  /** The only key that the permissions of checkpoints take; without it, one is made up. */
  adminKey?: string | undefined;
  /** How many jobs clients may make of each model; any number by default. */
  quota?: JobQuota | undefined;
  /** How much clients may upload. */
  storage?: SpoolLimits | undefined;
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
  /** The training file of that job. */
  readonly exampleFileId: string;
  readonly adminKey: string;
  /** What is to go wrong, for tests. */
  readonly faults: Faults;
  /** From now on, tells a receiver of each job that comes to its end. */
  sendWebhooks(receiver: Receiver): void;
  /** Ends every connection, stops listening and removes what was uploaded. */
  dispose(): Promise<void>;
}

/** A fine-tuning jobs API in a box: a real HTTP server with jobs that move. Rejects when it cannot listen. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, speed, seed, port = 0, apiKey, adminKey = makeAdminKey(), quota, storage, onError } = options;
  const dialect = DIALECTS[options.dialect ?? 'openai'];
  const state = dialect.stateOf(createState({ seed, speed, startedAt: clock.now(), quota, storage }));
  const respond = createSandboxHandler({ clock, state, dialect, keys: { apiKey, adminKey }, onError });
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      onError?.(error);
      response.destroy();
    });
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  const address = server.address();
  const listeningPort = typeof address === 'object' ? address?.port : port;
  const senders: ReturnType<typeof createWebhooks>[] = [];
  return {
    baseUrl: new URL(`http://${HOST}:${listeningPort}${dialect.basePath}`),
    exampleJobId: state.exampleJobId,
    exampleFileId: state.exampleFileId,
    adminKey,
    faults: state.faults,
    sendWebhooks: (receiver) => void senders.push(createWebhooks({ state, clock, speed, ...receiver })),
    async dispose() {
      await Promise.all(senders.splice(0).map((sender) => sender.dispose()));
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await state.spool.dispose();
    },
  };
}

/** An admin key, told from others by its beginning. */
const makeAdminKey = () => `sandbox-admin-${randomBytes(24).toString('base64url')}`;
