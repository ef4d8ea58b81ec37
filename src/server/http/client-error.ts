import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { HttpError } from './http-error.ts';
import { COMMON_HEADERS, type GatewayResponse, type GatewayServer, type Reply, send } from './reply.ts';

/** How long a refused client may take to read why, in milliseconds. */
const LINGER_MS = 1000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: GatewayResponse;
}

/** Requests that are not refused for how long they take: somebody else sees to it that they flow. */
export type NoTimeoutRequests = WeakSet<IncomingMessage>;

/** Answers what Node itself refuses: what is not HTTP, headers without end, requests that do not come to one. */
export function useClientErrors(server: GatewayServer, unhurried: NoTimeoutRequests, log: Logger, clock: Clock): void {
  const latest = new WeakMap<Duplex, Exchange>();
  const refused = new WeakSet<Duplex>();
  const refuse = (socket: Duplex, status: number, message: string, fault: string) => {
    const requestId = randomUUID();
    const isSilent = 'bytesRead' in socket && socket.bytesRead === 0; // As browsers open them in advance.
    log[isSilent ? 'debug' : 'info']({ requestId, status, fault }, 'request refused');
    rejectSocket(socket, new HttpError(status, message), requestId, clock);
  };
  server.prependListener('request', (request, response) => latest.set(request.socket, { request, response }));
  server.on('connect', (_, socket) => refuse(socket, 405, 'The method: expected GET or POST.', 'CONNECT'));
  server.on('clientError', ({ code = 'unknown' }: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return; // More of the same bytes.
    const exchange = latest.get(socket);
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && exchange && unhurried.has(exchange.request)) return;
    refused.add(socket);
    if (code === 'ECONNRESET' || code === 'EPIPE' || !socket.writable) return void socket.destroy();
    const [status, message] = statusOf(code);
    if (exchange && !exchange.request.complete) return rejectBody(exchange, status, message);
    // Behind an answer that is on its way, or it would be taken for that one.
    if (exchange && !exchange.response.closed) {
      exchange.response.on('close', () => refuse(socket, status, message, code));
    } else refuse(socket, status, message, code);
  });
}

/** The status and its sentence for what Node calls an error. */
function statusOf(code: string): [status: number, message: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request: expected sooner.'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'The headers: expected at most 16384 bytes.'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'The chunk extensions: expected less.'];
    default:
      return [400, 'The request: expected well-formed HTTP/1.1.'];
  }
}

/** The front has the request already, and waits for its body: its line in the log says how that ended. */
function rejectBody({ request, response }: Exchange, status: number, message: string): void {
  if (response.headersSent) return void request.socket.destroy();
  send(response, new HttpError(status, message, { connection: 'close' }).toReply());
}

/** Answers on a bare connection, and closes it. */
export function rejectSocket(socket: Duplex, refusal: HttpError, requestId: string, clock: Clock): void {
  socket.on('error', () => {}); // It may have gone.
  socket.end(written(refusal.toReply(), requestId));
  clock.after(LINGER_MS, () => socket.destroy()); // Not at once: what is left unread would take the answer with it.
}

function written({ status, headers, body = '' }: Reply, requestId: string): string {
  const all = {
    ...COMMON_HEADERS,
    ...headers,
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}
