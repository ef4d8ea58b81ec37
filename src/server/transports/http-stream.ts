import type { Identity } from '../../request/context.ts';
import { revokedError } from '../auth/authenticate.ts';
import { type GatewayResponse, type Reply, writeHead } from '../http/reply.ts';
import type { Subscriber } from '../subscriptions/subscription-groups.ts';
import { frameOf, type StreamFormat } from './stream-format.ts';
import type { CloseReason, OpenStream, StreamRegistry } from './stream-registry.ts';

/** How long a connection is quiet before the system asks whether the other side is there, in milliseconds. */
const PROBE_MS = 30_000;

/** What a stream was, for the log. */
export interface StreamStats {
  readonly transport: string;
  results: number;
}

/** A subscription as the answer to an HTTP request. */
export interface StreamReply extends Omit<Reply, 'body'> {
  readonly status: 200;
  readonly subscriber: Subscriber;
  readonly format: StreamFormat;
  readonly identity: Identity;
}

export function streamReply(subscriber: Subscriber, format: StreamFormat, identity: Identity): StreamReply {
  const headers = { 'content-type': format.contentType, vary: 'accept', 'x-accel-buffering': 'no' };
  return { status: 200, headers, subscriber, format, identity };
}

/**
 * Sends a subscriber's results, each when the client has taken the one before it: who reads slowly gets fewer of them, and
 * holds up nobody. Ends with the subscriber, or the client.
 */
export function openStream(response: GatewayResponse, reply: StreamReply, streams: StreamRegistry): StreamStats {
  const tally: StreamStats = { transport: reply.format.transport, results: 0 };
  if (response.destroyed || response.headersSent)
    void reply.subscriber.return(); // The client has left meanwhile, or was refused.
  else {
    open(response, reply);
    new HttpStream(response, reply, tally).begin(streams);
  }
  return tally;
}

/** A class, as there may be thousands. */
class HttpStream implements OpenStream {
  readonly #response: GatewayResponse;
  readonly #subscriber: Subscriber;
  readonly #format: StreamFormat;
  readonly #tally: StreamStats;
  readonly isAuthorized: () => boolean;
  #resume: (() => void) | null = null;

  constructor(response: GatewayResponse, { subscriber, format, identity }: StreamReply, tally: StreamStats) {
    this.#response = response;
    this.#subscriber = subscriber;
    this.#format = format;
    this.#tally = tally;
    this.isAuthorized = identity.isValid;
  }

  begin(streams: StreamRegistry): void {
    const remove = streams.add(this);
    this.#response.on('drain', () => this.#goOn());
    this.#response.on('close', () => {
      remove();
      this.#goOn();
      void this.#subscriber.return();
    });
    void this.#pump();
  }

  heartbeat(): void {
    if (!this.#response.writableEnded && !this.#response.writableNeedDrain)
      this.#response.write(this.#format.heartbeat);
  }

  end(reason: CloseReason): void {
    const { socket } = this.#response;
    if (reason === 'revoked') this.#close(this.#format.fatal(JSON.stringify([revokedError()])));
    else this.#close('', () => socket?.destroySoon()); // Which was promised to stay, and would outlive the server.
  }

  async #pump(): Promise<void> {
    for await (const rendered of this.#subscriber) {
      if (!this.isAuthorized()) return this.end('revoked');
      if (this.#response.writableEnded) return;
      this.#tally.results++;
      if (this.#response.write(frameOf(this.#format, rendered))) continue;
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    this.#close('');
  }

  #goOn(): void {
    this.#resume?.();
    this.#resume = null;
  }

  #close(last: string, whenSent?: () => void): void {
    if (!this.#response.writableEnded) this.#response.end(last + this.#format.end, whenSent);
    void this.#subscriber.return();
  }
}

function open(response: GatewayResponse, { status, headers, format }: StreamReply): void {
  response.socket?.setTimeout(0); // Quiet is nothing bad here.
  response.socket?.setKeepAlive(true, PROBE_MS);
  writeHead(response, status, headers);
  response.cork();
  response.flushHeaders(); // Apart: with more behind it Node would keep the text of the headers in all its pieces.
  response.write(format.opening);
  response.uncork();
  response.req.rawHeaders.length = 0; // They were read, and would stay as long as the stream.
  response.req.headers = {};
}
