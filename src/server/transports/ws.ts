import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Identity } from '../../request/context.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import type { StreamEnd } from '../../telemetry/events.ts';
import { type Authenticate, revokedError } from '../auth/authenticate.ts';
import { tokenOfConnection } from '../auth/connection-token.ts';
import type { HoldConnection } from '../http/connection-registry.ts';
import { HttpError } from '../http/http-error.ts';
import type { Remote } from '../http/remote.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import type { OpenStream, StreamRegistry } from './stream-registry.ts';
import { closeReason, connect } from './ws-connection.ts';
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
/** The close code after which clients of graphql-ws try again (IANA's registry of close codes). */
const TRY_AGAIN_LATER = 1013;

/** How often, and at most how many times, a socket waits for the results of its queries before it closes. */
const REPLACE_STEP_MS = 100;
const MAX_REPLACE_STEPS = 300;

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
    /** Makes the client an authenticated one. */
    accept(identity: Identity): void;
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
  const protocol = createProtocol({ schema, authenticate }, createStartOperation(options));

  function onOpen(socket: WebSocket, request: IncomingMessage, remote: Remote) {
    const activeOperations = new Set<EndOperation>();
    const subscriptions = new Set<EndOperation>();
    const endAllOperations = (cause: EndCause) => {
      for (const end of activeOperations) end(cause);
    };
    const reject: UnauthenticatedClient['reject'] = (code, reason, errorCode) => {
      if (socket.readyState !== socket.OPEN) return;
      client.release();
      endReason = endReason === 'revoked' ? endReason : 'rejected';
      log.info(rejectionLogLine(code, client, errorCode), 'request rejected');
      socket.close(code, closeReason(reason));
      endAllOperations('rejection');
    };
    let endReason: StreamEnd = 'client';
    const revoke = () => {
      endReason = 'revoked';
      reject(CloseCode.Forbidden, revokedError().message, 'UNAUTHENTICATED');
    };
    const client: UnauthenticatedClient = {
      socket,
      request,
      remote,
      identity: undefined,
      activeOperations,
      subscriptions,
      revoke,
      reject,
      accept(identity) {
        client.identity = identity;
        client.release = holdConnection(request.socket);
        streams.endAt(stream, identity.expiresAt);
      },
      release: () => {},
    };
    const goAway = (reason: StreamEnd) => {
      endReason = reason;
      socket.close(GOING_AWAY, 'Going away'); // First: nothing is sent after it, so that no operation is completed.
      endAllOperations('shutdown');
    };
    /** Closes a socket with subscriptions, when its queries and mutations have their results. */
    const replace = (steps: number) => {
      if (subscriptions.size === 0) return; // Each new operation uses the current key.
      if (activeOperations.size === subscriptions.size || steps === 0) return goAway('replaced');
      clock.after(REPLACE_STEP_MS, () => replace(steps - 1));
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
    const stream: OpenStream = {
      transport: 'websocket',
      isAuthorized: () => client.identity?.isValid() ?? true,
      heartbeat() {
        if (socket.bufferedAmount === 0) socket.ping();
        intake.checkProgress();
      },
      end(reason) {
        if (reason === 'revoked') return revoke();
        if (reason === 'replaced') return replace(MAX_REPLACE_STEPS);
        goAway('drain');
      },
    };
    const removeStream = streams.add(stream);
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
      removeStream(endReason);
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
  { schema, authenticate }: Pick<WebSocketsOptions, 'schema' | 'authenticate'>,
  startOperation: StartOperation,
): Server<UnauthenticatedClient> {
  const run = ({ contextValue }: { contextValue?: unknown }) => (contextValue as StartedOperation).outcome; // Set by `onSubscribe`.
  return makeServer<Record<string, unknown>, UnauthenticatedClient>({
    connectionInitWaitTimeout: 0, // The timeout uses the gateway's clock.
    async onConnect({ extra, connectionParams }) {
      try {
        const { authorization, source } = tokenOfConnection(extra.request.headers, connectionParams);
        const identity = await authenticate({ authorization }, source);
        if (extra.socket.readyState !== extra.socket.OPEN) return false; // Closed while the token was verified.
        extra.accept(identity);
        return true;
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        const code = error.status === 503 ? TRY_AGAIN_LATER : CloseCode.Forbidden;
        extra.reject(code, error.message, error.code); // First: false closes without this reason.
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

/** Names of close codes that are not of the protocol. */
const LIMIT_NAMES: Readonly<Record<number, string>> = {
  1008: 'PolicyViolation',
  1009: 'MessageTooBig',
  [TRY_AGAIN_LATER]: 'TryAgainLater',
};

/** The log line of a rejected socket. Without the text of the reason, which can quote the client. */
function rejectionLogLine(code: number, { identity, remote }: UnauthenticatedClient, errorCode?: ErrorCode) {
  return {
    requestId: randomUUID(),
    address: remote.address,
    transport: 'websocket',
    viewer: identity?.viewer.name ?? undefined,
    code,
    reason: CloseCode[code] ?? LIMIT_NAMES[code],
    ...(errorCode !== undefined && { errors: 1, errorCodes: [errorCode] }),
  };
}
