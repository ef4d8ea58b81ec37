import type { Identity } from '../../request/context.ts';
import type { StreamEnd } from '../../telemetry/events.ts';
import { revokedError } from '../auth/authenticate.ts';
import { type GatewayResponse, type Reply, writeHead } from '../http/reply.ts';
import { reportDelivery } from '../subscriptions/delivery-events.ts';
import type { RenderedEvent } from '../subscriptions/rendering.ts';
import type { ResultReceiver, Subscriber } from '../subscriptions/subscriber.ts';
import { needsDrain, writeFrame } from './frame-writer.ts';
import { type ResultStats, recordResult } from './operation-log.ts';
import { frameOf, type StreamFormat, streamHeaders } from './stream-format.ts';
import type { CloseReason, OpenStream, StreamRegistry } from './stream-registry.ts';

/** Idle time before TCP keep-alive probes the client, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** A subscription as the response to an HTTP request. */
export interface StreamReply extends Omit<Reply, 'body'> {
  readonly status: 200;
  readonly subscriber: Subscriber;
  readonly format: StreamFormat;
  readonly identity: Identity;
}

export function streamReply(subscriber: Subscriber, format: StreamFormat, identity: Identity): StreamReply {
  const headers = { ...streamHeaders(format), 'x-accel-buffering': 'no' };
  return { status: 200, headers, subscriber, format, identity };
}

/**
 * Sends the subscriber's results, each after the client has received the previous one: a slow client gets fewer results and
 * delays no other. Ends with the subscriber or the connection.
 */
export function openStream(response: GatewayResponse, reply: StreamReply, streams: StreamRegistry): ResultStats {
  const stats: ResultStats = { transport: reply.format.transport, results: 0 };
  if (response.destroyed || response.headersSent)
    reply.subscriber.end(); // The client has disconnected or was rejected meanwhile.
  else {
    writeOpening(response, reply);
    new HttpStream(response, reply, stats).start(streams);
  }
  return stats;
}

/** A class, because a gateway has thousands of streams. */
class HttpStream implements OpenStream, ResultReceiver {
  readonly #response: GatewayResponse;
  readonly #subscriber: Subscriber;
  readonly #format: StreamFormat;
  readonly #stats: ResultStats;
  readonly #expiresAt: number;
  readonly isAuthorized: () => boolean;
  #isInterrupted = false;
  #endReason: StreamEnd = 'client';

  constructor(response: GatewayResponse, { subscriber, format, identity }: StreamReply, stats: ResultStats) {
    this.#response = response;
    this.#subscriber = subscriber;
    this.#format = format;
    this.#stats = stats;
    this.#expiresAt = identity.expiresAt;
    this.isAuthorized = identity.isValid;
  }

  get transport(): StreamFormat['transport'] {
    return this.#format.transport;
  }

  start(streams: StreamRegistry): void {
    const remove = streams.add(this);
    streams.endAt(this, this.#expiresAt);
    this.#response.on('close', () => {
      remove(this.#endReason);
      this.#subscriber.end();
    });
    this.#subscriber.request(this);
  }

  heartbeat(): void {
    if (!this.#isEnded && !needsDrain(this.#response)) this.#response.write(this.#format.heartbeat);
  }

  end(reason: CloseReason): void {
    if (reason === 'revoked') this.#close(this.#format.fatal(JSON.stringify([revokedError()])), 'revoked');
    else this.#interrupt(reason);
  }

  get #isEnded(): boolean {
    return this.#response.writableEnded || this.#isInterrupted;
  }

  onResult(event: RenderedEvent): boolean {
    if (!this.isAuthorized()) {
      this.end('revoked');
      return false;
    }
    if (this.#isEnded) return false;
    recordResult(this.#stats, event.result);
    reportDelivery(this.#format.transport, event);
    const drained = writeFrame(this.#response, frameOf(this.#format, event));
    drained?.once('drain', () => this.#subscriber.request(this));
    return drained === null;
  }

  onComplete(): void {
    this.#close('', 'completed');
  }

  #close(lastMessage: string, reason: StreamEnd): void {
    if (!this.#isEnded) {
      this.#endReason = reason;
      this.#response.end(lastMessage + this.#format.end);
    }
    this.#subscriber.end();
  }

  /**
   * Closes the connection within the body, after the bytes that are already written. A complete body would say that there are
   * no more results: urql takes it for the end of the job, and a message `complete` every client. An incomplete one is a
   * network error, after which clients reconnect.
   */
  #interrupt(reason: Exclude<CloseReason, 'revoked'>): void {
    if (this.#isEnded) return;
    this.#isInterrupted = true;
    this.#endReason = reason;
    this.#stats.isInterrupted = true;
    this.#subscriber.end();
    const { socket } = this.#response;
    if (socket) socket.destroySoon();
    else this.#response.destroy(); // An earlier response of the connection is still being sent.
  }
}

function writeOpening(response: GatewayResponse, { status, headers, format }: StreamReply): void {
  response.socket?.setTimeout(0); // A stream may be idle.
  response.socket?.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  writeHead(response, status, headers);
  response.cork();
  response.flushHeaders(); // Separately: written with the body, Node retains the header text as a rope of its parts.
  response.write(format.opening);
  response.uncork();
  response.req.rawHeaders.length = 0; // No longer needed, but retained as long as the stream.
  response.req.headers = {};
}
