import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Identity } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { type Authenticate, revokedError } from '../auth/authenticate.ts';
import { tokenOfConnection } from '../auth/connection-token.ts';
import { HttpError } from '../http/http-error.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import type { StreamRegistry } from './stream-registry.ts';
import {
  createStartOperation,
  type EndCause,
  type EndOperation,
  type OperationOptions,
  type SocketClient,
  type StartedOperation,
  type StartOperation,
} from './ws-operation.ts';

/** Maximum operations in progress on one socket. */
const MAX_OPERATIONS = 100;
const TOO_MANY_OPERATIONS = new GraphQLError(
  `Operations: ${MAX_OPERATIONS} are in progress on this WebSocket, which is the limit; complete one first.`,
);
/** Maximum time between the opening of a socket and `connection_init`, in milliseconds. */
const INIT_TIMEOUT_MS = 10_000;
/** Maximum unsent bytes before the server stops reading from the client. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** Idle time before TCP keep-alive probes the client, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 30_000;
/** The close code after which clients of graphql-ws reconnect and subscribe again (RFC 6455 7.4.1). */
const GOING_AWAY = 1001;
/** Maximum bytes of a close reason (RFC 6455 5.5). */
const MAX_CLOSE_REASON_BYTES = 123;

export interface WebSocketsOptions extends OperationOptions {
  schema: GraphQLSchema;
  authenticate: Authenticate;
  streams: StreamRegistry;
}

export interface WebSockets {
  /** Completes the handshake of an upgrade request that passed the guards. */
  open(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** Destroys all connections, without a close frame. */
  terminateAll(): void;
}

/** A client before `connection_init`, which authenticates it. */
type UnauthenticatedClient = {
  -readonly [Key in keyof SocketClient]: Key extends 'identity' ? Identity | undefined : SocketClient[Key];
} & {
  readonly socket: WebSocket;
  /** Closes the socket with a close code and its reason, and logs the code. Does nothing when it is closing already. */
  reject(code: CloseCode, reason: string): void;
};

/** The protocol graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). */
export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const { schema, authenticate, streams, log, clock } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false, // Takes several times the memory of everything else in a socket.
    autoPong: false,
    handleProtocols,
  });
  const protocol = createProtocol(schema, authenticate, createStartOperation(options));

  function onOpen(socket: WebSocket, request: IncomingMessage) {
    const activeOperations = new Set<EndOperation>();
    const endAllOperations = (cause: EndCause) => {
      for (const end of activeOperations) end(cause);
    };
    const reject = (code: CloseCode, reason: string) => {
      if (socket.readyState !== socket.OPEN) return;
      log.info(rejectionLogLine(code, client.identity), 'request rejected');
      socket.close(code, closeReason(reason));
      endAllOperations('rejection');
    };
    const revoke = () => reject(CloseCode.Forbidden, revokedError().message);
    const client: UnauthenticatedClient = { socket, request, identity: undefined, activeOperations, revoke, reject };
    const cancelInitTimeout = clock.after(INIT_TIMEOUT_MS, () => {
      if (client.identity) return;
      const seconds = INIT_TIMEOUT_MS / 1000;
      reject(
        CloseCode.ConnectionInitialisationTimeout,
        `connection_init: did not arrive within ${seconds} s; send {"type": "connection_init"} first.`,
      );
    });
    const removeStream = streams.add({
      isAuthorized: () => client.identity?.isValid() ?? true,
      heartbeat: () => socket.bufferedAmount === 0 && socket.ping(),
      end(reason) {
        if (reason === 'revoked') return revoke();
        socket.close(GOING_AWAY, 'Going away'); // First: nothing is sent after it, so that no operation is completed.
        endAllOperations('shutdown');
      },
    });
    const closed = connect(protocol, client, (err) => log.error({ err }, 'internal error'));
    socket.on('close', (code, reason) => {
      cancelInitTimeout();
      removeStream();
      endAllOperations('disconnect');
      void closed(code, String(reason));
    });
  }

  return {
    open: (request, connection, head) => server.handleUpgrade(request, connection, head, onOpen),
    terminateAll() {
      for (const socket of server.clients) socket.terminate();
    },
  };
}

function createProtocol(
  schema: GraphQLSchema,
  authenticate: Authenticate,
  startOperation: StartOperation,
): Server<UnauthenticatedClient> {
  const run = ({ contextValue }: { contextValue?: unknown }) => (contextValue as StartedOperation).outcome; // Set by `onSubscribe`.
  return makeServer<Record<string, unknown>, UnauthenticatedClient>({
    connectionInitWaitTimeout: 0, // The timeout uses the gateway's clock.
    onConnect({ extra, connectionParams }) {
      try {
        const { authorization, source } = tokenOfConnection(extra.request.headers, connectionParams);
        extra.identity = authenticate({ authorization }, source);
        return true;
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        extra.reject(CloseCode.Forbidden, error.message); // First: false closes without this reason.
        return false;
      }
    },
    async onSubscribe({ extra }, _id, payload) {
      const { identity, activeOperations } = extra;
      if (!identity) return; // graphql-ws has closed the socket: this message came before `connection_init`.
      if (!identity.isValid()) {
        extra.revoke();
        return [revokedError()];
      }
      if (activeOperations.size >= MAX_OPERATIONS) {
        extra.reject(CloseCode.TooManyInitialisationRequests, TOO_MANY_OPERATIONS.message);
        return [TOO_MANY_OPERATIONS];
      }
      const started = await startOperation({ ...extra, identity }, payload);
      if (!('outcome' in started)) return started;
      const { document, operationName } = started.prepared;
      return { schema, document, operationName, contextValue: started };
    },
    execute: run,
    subscribe: run,
  });
}

/** The reason in ASCII, so that characters are bytes; the protocol's reasons contain ids that clients choose. */
const closeReason = (reason: string) => reason.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_CLOSE_REASON_BYTES);

/** The log line of a rejected socket. Without the text of the reason, which can quote the client. */
function rejectionLogLine(code: CloseCode, identity: Identity | undefined) {
  const unauthenticated = { errors: 1, errorCodes: ['UNAUTHENTICATED' satisfies ErrorCode] };
  return {
    requestId: randomUUID(),
    transport: 'websocket',
    viewer: identity?.viewer.name ?? undefined,
    code,
    reason: CloseCode[code],
    ...(code === CloseCode.Forbidden && unauthenticated),
  };
}

/**
 * Connects a socket to the protocol with backpressure: each message is awaited until the system has taken it, and the server
 * stops reading from a client with too many unsent bytes. Returns the protocol's close handler.
 */
function connect(
  protocol: Server<UnauthenticatedClient>,
  client: UnauthenticatedClient,
  onError: (error: unknown) => void,
) {
  const { socket, request, reject } = client;
  request.socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  const resumeReading = () => {
    if (socket.isPaused && socket.bufferedAmount <= MAX_UNSENT_BYTES) socket.resume();
  };
  const pauseReading = () => {
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.pause();
  };
  socket.on('error', () => {}); // Invalid frames: `ws` has already closed the socket with the right code.
  socket.on('ping', (data) => {
    socket.pong(data, false, resumeReading);
    pauseReading();
  });
  return protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) =>
        new Promise((resolve) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(text, () => {
            resumeReading();
            resolve();
          });
        }),
      close: (code = CloseCode.BadRequest, reason = '') => reject(code, reason),
      onMessage: (handleMessage) =>
        socket.on('message', async (data) => {
          try {
            pauseReading();
            await handleMessage(String(data));
          } catch (error) {
            onError(error);
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          }
        }),
    },
    client,
  );
}
