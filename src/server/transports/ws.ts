import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Identity } from '../../request/context.ts';
import { type Authenticate, revokedError } from '../auth/authenticate.ts';
import { HttpError } from '../http/http-error.ts';
import { MAX_BODY_BYTES } from '../http/request-body.ts';
import type { StreamRegistry } from './stream-registry.ts';
import {
  createStartOperation,
  type OperationOptions,
  type SocketClient,
  type StartedOperation,
  type StartOperation,
} from './ws-operation.ts';

/** Most operations under way on one socket. */
const MAX_OPERATIONS = 100;
const TOO_MANY = new GraphQLError(`Expected at most ${MAX_OPERATIONS} operations under way.`);
/** How long a socket may take to say who it is, in milliseconds. */
const INIT_MS = 10_000;
/** How much a client may leave unread until it is read from no further, in bytes. */
const MAX_UNREAD = 256 * 1024;
/** How long a connection is quiet before the system asks whether the other side is there, in milliseconds. */
const PROBE_MS = 30_000;

export interface WebSocketsOptions extends OperationOptions {
  schema: GraphQLSchema;
  authenticate: Authenticate;
  streams: StreamRegistry;
}

export interface WebSockets {
  /** Makes a WebSocket of a connection whose request is welcome. */
  open(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** Ends all without a goodbye. */
  terminateAll(): void;
}

/** A socket's caller, who says in the first message who it is. */
type UnauthenticatedClient = {
  -readonly [Key in keyof SocketClient]: Key extends 'identity' ? Identity | undefined : SocketClient[Key];
} & {
  readonly socket: WebSocket;
};

/** The protocol graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). */
export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const { schema, authenticate, streams, log, clock } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false, // Its memory is a multiple of everything else that a socket takes.
    autoPong: false,
    handleProtocols,
  });
  const protocol = createProtocol(schema, authenticate, createStartOperation(options));

  function welcome(socket: WebSocket, request: IncomingMessage) {
    const activeOperations = new Set<() => void>();
    const leaveAll = () => {
      for (const leave of activeOperations) leave();
    };
    const revoke = () => socket.close(CloseCode.Forbidden, 'Forbidden');
    const guest: UnauthenticatedClient = { socket, request, identity: undefined, activeOperations, revoke };
    const cancelWait = clock.after(INIT_MS, () => {
      if (!guest.identity) socket.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    });
    const remove = streams.add({
      isAuthorized: () => guest.identity?.isValid() ?? true,
      heartbeat: () => socket.bufferedAmount === 0 && socket.ping(),
      end(reason) {
        if (reason === 'revoked') revoke();
        else socket.close(1001, 'Going away');
        leaveAll();
      },
    });
    const closed = connect(protocol, guest, (err) => log.error({ err }, 'internal error'));
    socket.on('close', (code, reason) => {
      cancelWait();
      remove();
      leaveAll();
      void closed(code, String(reason));
    });
  }

  return {
    open: (request, connection, head) => server.handleUpgrade(request, connection, head, welcome),
    terminateAll() {
      for (const socket of server.clients) socket.terminate();
    },
  };
}

function createProtocol(
  schema: GraphQLSchema,
  authenticate: Authenticate,
  begin: StartOperation,
): Server<UnauthenticatedClient> {
  const run = ({ contextValue }: { contextValue?: unknown }) => (contextValue as StartedOperation).outcome; // From `onSubscribe`.
  return makeServer<Record<string, unknown>, UnauthenticatedClient>({
    connectionInitWaitTimeout: 0, // By our own clock.
    onConnect({ extra, connectionParams }) {
      try {
        extra.identity = authenticate({ authorization: authorizationOf(extra.request, connectionParams) });
        return true;
      } catch (error) {
        if (error instanceof HttpError) return false; // Which closes with 4403.
        throw error;
      }
    },
    async onSubscribe({ extra }, _id, payload) {
      const { identity, activeOperations, socket } = extra;
      if (!identity) return; // Such a message has closed the socket.
      if (!identity.isValid()) {
        extra.revoke();
        return [revokedError()];
      }
      if (activeOperations.size >= MAX_OPERATIONS) {
        socket.close(CloseCode.TooManyInitialisationRequests, TOO_MANY.message);
        return [TOO_MANY];
      }
      const begun = await begin({ ...extra, identity }, payload);
      if (!('outcome' in begun)) return begun;
      const { document, operationName } = begun.prepared;
      return { schema, document, operationName, contextValue: begun };
    },
    execute: run,
    subscribe: run,
  });
}

/** Browsers can send no header with a WebSocket, but say it in the first message. */
function authorizationOf({ headers }: IncomingMessage, params: Record<string, unknown> = {}): string | undefined {
  const said = params['authorization'] ?? params['Authorization'];
  return typeof said === 'string' ? said : headers.authorization;
}

/**
 * Joins a socket to the protocol. What is sent is waited for until the system has taken it, and from who leaves too much
 * unread nothing more is read: nothing piles up on either side. Gives what the protocol has to be told at the end.
 */
function connect(
  protocol: Server<UnauthenticatedClient>,
  guest: UnauthenticatedClient,
  onError: (error: unknown) => void,
) {
  const { socket, request } = guest;
  request.socket.setKeepAlive(true, PROBE_MS);
  const resume = () => {
    if (socket.isPaused && socket.bufferedAmount <= MAX_UNREAD) socket.resume();
  };
  const hold = () => {
    if (socket.bufferedAmount > MAX_UNREAD) socket.pause();
  };
  socket.on('error', () => {}); // Frames that are none: it is closed already, by the code that says so.
  socket.on('ping', (data) => {
    socket.pong(data, false, resume);
    hold();
  });
  return protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) =>
        new Promise((resolve) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(text, () => {
            resume();
            resolve();
          });
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', async (data) => {
          try {
            hold();
            await take(String(data));
          } catch (error) {
            onError(error);
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          }
        }),
    },
    guest,
  );
}
