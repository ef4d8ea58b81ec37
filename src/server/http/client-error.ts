import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { HttpError } from './http-error.ts';
import { endLingering } from './lingering-close.ts';
import { COMMON_HEADERS, type GatewayResponse, type GatewayServer, type Reply, send } from './reply.ts';

/** Maximum bytes of a request line and its headers. */
export const MAX_HEADER_BYTES = 16 * 1024;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: GatewayResponse;
}

export interface ClientErrorOptions {
  readonly headersTimeoutMs: number;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Responds where Node itself rejects a request: malformed HTTP, too large headers, timeouts, CONNECT. */
export function useClientErrors(server: GatewayServer, options: ClientErrorOptions): void {
  const { log, clock } = options;
  const latestExchange = new WeakMap<Duplex, Exchange>();
  const rejected = new WeakSet<Duplex>();
  const reject = (socket: Duplex, error: HttpError, reason: string) => {
    const requestId = randomUUID();
    const isSilent = 'bytesRead' in socket && socket.bytesRead === 0; // Browsers open connections in advance.
    log[isSilent ? 'debug' : 'info']({ requestId, status: error.status, reason }, 'request rejected');
    rejectSocket(socket, error, requestId, clock);
  };
  server.prependListener('request', (request, response) => latestExchange.set(request.socket, { request, response }));
  server.on('connect', (_, socket) => {
    reject(socket, new HttpError(405, 'Method: CONNECT is not supported; expected GET or POST.'), 'CONNECT');
  });
  server.on('clientError', ({ code = 'unknown' }: NodeJS.ErrnoException, socket) => {
    if (rejected.has(socket)) return; // The parser fails again on the rest of the same bytes.
    const exchange = latestExchange.get(socket);
    rejected.add(socket);
    if (code === 'ECONNRESET' || code === 'EPIPE' || !socket.writable) return void socket.destroy();
    const isInBody = exchange !== undefined && !exchange.request.complete;
    const error = errorOf(code, options);
    if (isInBody) return rejectBody(exchange, error);
    // After the pending response, or the client would take this one for it.
    if (exchange && !exchange.response.closed) exchange.response.on('close', () => reject(socket, error, code));
    else reject(socket, error, code);
  });
}

/** The response to an error code of Node's HTTP parser, or of its timeout for headers. */
function errorOf(code: string, { headersTimeoutMs }: ClientErrorOptions): HttpError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return headersTimeout(headersTimeoutMs);
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(
        431,
        `Headers: exceed the limit of ${MAX_HEADER_BYTES} bytes; send fewer or shorter ones, such as no Cookie.`,
      );
    case 'HPE_INVALID_CONTENT_LENGTH':
      return new HttpError(
        400,
        'Content-Length: is not a number, or is sent with Transfer-Encoding; expected the bytes of the body alone, such as Content-Length: 42.',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpError(413, 'Chunk extensions: exceed the limit of 16384 bytes; send chunks without extensions.');
    default:
      return new HttpError(400, 'Request: is not valid HTTP/1.1; expected plain HTTP, such as POST /graphql HTTP/1.1.');
  }
}

function headersTimeout(timeoutMs: number): HttpError {
  const message = `Headers: did not arrive within ${timeoutMs} ms (HEADERS_TIMEOUT_MS); send them without pauses.`;
  return new HttpError(408, message);
}

/** The router already has the request and waits for its body: its log line records the status. */
function rejectBody({ request, response }: Exchange, error: HttpError): void {
  if (response.headersSent) return void request.socket.destroy();
  const { status, message } = error;
  send(response, new HttpError(status, message, { connection: 'close' }).toReply());
}

/** Writes the response on a bare socket and closes it. */
export function rejectSocket(socket: Duplex, error: HttpError, requestId: string, clock: Clock): void {
  endLingering(socket, serialize(error.toReply(), requestId), clock);
}

function serialize({ status, headers, body = '' }: Reply, requestId: string): string {
  const allHeaders = {
    ...COMMON_HEADERS,
    ...headers,
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(allHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}
