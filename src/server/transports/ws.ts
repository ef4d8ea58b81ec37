import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Identity } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { type Authenticate, revokedError } from '../auth/authenticate.ts';
import { tokenOfConnection } from '../auth/connection-token.ts';
import type { HoldConnection } from '../http/connection-registry.ts';
import { HttpError } from '../http/http-error.ts';
import type { Remote } from '../http/remote.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import type { StreamRegistry } from './stream-registry.ts';
import { connect } from './ws-connection.ts';
import { createIntake, type IntakeClient } from './ws-intake.ts';
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
/** Maximum frames of a message. Clients that fragment use frames of 4 KiB and more: `MAX_BODY_BYTES` are 256 of them. */
const MAX_FRAGMENTS = 256;
/** Maximum time of the closing handshake before the connection is destroyed, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;
/** The close code after which clients of graphql-ws reconnect and subscribe again (RFC 6455 7.4.1). */
const GOING_AWAY = 1001;
/** Maximum bytes of a close reason (RFC 6455 5.5). */
const MAX_CLOSE_REASON_BYTES = 123;

export interface WebSocketsOptions extends OperationOptions {
  schema: GraphQLSchema;
  authenticate: Authenticate;
  streams: StreamRegistry;
  holdConnection: HoldConnection;
  /** Maximum time for a message to arrive, in milliseconds. */
  messageTimeoutMs: number;
}

export interface WebSockets {
  /** Completes the handshake of an upgrade request that passed the guards. */
  open(request: IncomingMessage, connection: Duplex, head: Buffer, remote: Remote): void;
  /** Destroys all connections, without a close frame. */
  terminateAll(): void;
}

/** A client before `connection_init`, which authenticates it. */
type UnauthenticatedClient = {
  -readonly [Key in keyof SocketClient]: Key extends 'identity' ? Identity | undefined : SocketClient[Key];
} & Omit<IntakeClient, 'identity'> & {
    /** Ends the protection of the connection of an authenticated caller. */
    release(): void;
  };

/** The protocol graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). */
export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const { schema, authenticate, streams, holdConnection, messageTimeoutMs, log, clock } = options;
  const serverOptions: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false, // Takes several times the memory of everything else in a socket.
    autoPong: false,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: CLOSE_TIMEOUT_MS, // Missing in the types of `ws`.
    handleProtocols,
  };
  const server = new WebSocketServer(serverOptions);
  const protocol = createProtocol({ schema, authenticate, holdConnection }, createStartOperation(options));

  function onOpen(socket: WebSocket, request: IncomingMessage, remote: Remote) {
    const activeOperations = new Set<EndOperation>();
    const endAllOperations = (cause: EndCause) => {
      for (const end of activeOperations) end(cause);
    };
    const reject = (code: number, reason: string) => {
      if (socket.readyState !== socket.OPEN) return;
      client.release();
      log.info(rejectionLogLine(code, client), 'request rejected');
      socket.close(code, closeReason(reason));
      endAllOperations('rejection');
    };
    const revoke = () => reject(CloseCode.Forbidden, revokedError().message);
    const client: UnauthenticatedClient = {
      socket,
      request,
      remote,
      identity: undefined,
      activeOperations,
      revoke,
      reject,
      release: () => {},
    };
    const cancelInitTimeout = clock.after(INIT_TIMEOUT_MS, () => {
      if (client.identity) return;
      const seconds = INIT_TIMEOUT_MS / 1000;
      reject(
        CloseCode.ConnectionInitialisationTimeout,
        `connection_init: did not arrive within ${seconds} s; send {"type": "connection_init"} first.`,
      );
      request.socket.destroySoon(); // Without the closing handshake, which the client could delay.
    });
    const removeStream = streams.add({
      isAuthorized: () => client.identity?.isValid() ?? true,
      heartbeat() {
        if (socket.bufferedAmount === 0) socket.ping();
        intake.checkProgress();
      },
      end(reason) {
        if (reason === 'revoked') return revoke();
        socket.close(GOING_AWAY, 'Going away'); // First: nothing is sent after it, so that no operation is completed.
        endAllOperations('shutdown');
      },
    });
    const onError = (err: unknown) => log.error({ err }, 'internal error');
    const intake = createIntake(client, messageTimeoutMs, clock);
    const closed = connect(protocol, client, intake, onError);
    socket.on('error', ({ code: reason }: NodeJS.ErrnoException) => {
      // Invalid frames, or a message above a limit: `ws` has already closed the socket with the right code.
      log.info(
        { requestId: randomUUID(), address: remote.address, transport: 'websocket', reason },
        'request rejected',
      );
    });
    socket.on('close', (code, reason) => {
      cancelInitTimeout();
      removeStream();
      endAllOperations('disconnect');
      intake.dispose();
      void closed(code, String(reason));
    });
  }

  return {
    open: (request, connection, head, remote) =>
      server.handleUpgrade(request, connection, head, (socket) => onOpen(socket, request, remote)),
    terminateAll() {
      for (const socket of server.clients) socket.terminate();
    },
  };
}

function createProtocol(
  { schema, authenticate, holdConnection }: Pick<WebSocketsOptions, 'schema' | 'authenticate' | 'holdConnection'>,
  startOperation: StartOperation,
): Server<UnauthenticatedClient> {
  const run = ({ contextValue }: { contextValue?: unknown }) => (contextValue as StartedOperation).outcome; // Set by `onSubscribe`.
  return makeServer<Record<string, unknown>, UnauthenticatedClient>({
    connectionInitWaitTimeout: 0, // The timeout uses the gateway's clock.
    onConnect({ extra, connectionParams }) {
      try {
        const { authorization, source } = tokenOfConnection(extra.request.headers, connectionParams);
        extra.identity = authenticate({ authorization }, source);
        extra.release = holdConnection(extra.request.socket);
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

/** Names of the close codes of RFC 6455 7.4.1 for clients above a limit. */
const LIMIT_NAMES: Readonly<Record<number, string>> = { 1008: 'PolicyViolation', 1009: 'MessageTooBig' };

/** The log line of a rejected socket. Without the text of the reason, which can quote the client. */
function rejectionLogLine(code: number, { identity, remote }: Pick<UnauthenticatedClient, 'identity' | 'remote'>) {
  const unauthenticated = { errors: 1, errorCodes: ['UNAUTHENTICATED' satisfies ErrorCode] };
  return {
    requestId: randomUUID(),
    address: remote.address,
    transport: 'websocket',
    viewer: identity?.viewer.name ?? undefined,
    code,
    reason: CloseCode[code] ?? LIMIT_NAMES[code],
    ...(code === CloseCode.Forbidden && unauthenticated),
  };
}
