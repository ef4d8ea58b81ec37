import type { Identity } from '../../request/context.ts';
import { revokedError } from '../auth/authenticate.ts';
import { begin, type FrontResponse, type Reply } from '../http/reply.ts';
import type { Member } from '../subscriptions/subscription-groups.ts';
import { type Format, frameOf } from './stream-format.ts';
import type { Reason, Stream, Streams } from './stream-registry.ts';

/** How long a connection is quiet before the system asks whether the other side is there, in milliseconds. */
const PROBE_MS = 30_000;

/** What a stream was, for the log. */
export interface Tally {
  readonly transport: string;
  results: number;
}

/** A subscription as the answer to an HTTP request. */
export interface LiveReply extends Omit<Reply, 'body'> {
  readonly status: 200;
  readonly member: Member;
  readonly format: Format;
  readonly identity: Identity;
}

export function liveReply(member: Member, format: Format, identity: Identity): LiveReply {
  const headers = { 'content-type': format.contentType, vary: 'accept', 'x-accel-buffering': 'no' };
  return { status: 200, headers, member, format, identity };
}

/**
 * Sends a member's results, each when the client has taken the one before it: who reads slowly gets fewer of them, and
 * holds up nobody. Ends with the member, or the client.
 */
export function openStream(response: FrontResponse, reply: LiveReply, streams: Streams): Tally {
  const tally: Tally = { transport: reply.format.transport, results: 0 };
  if (response.destroyed || response.headersSent)
    void reply.member.return(); // The client has left meanwhile, or was refused.
  else {
    open(response, reply);
    new HttpStream(response, reply, tally).begin(streams);
  }
  return tally;
}

/** A class, as there may be thousands. */
class HttpStream implements Stream {
  readonly #response: FrontResponse;
  readonly #member: Member;
  readonly #format: Format;
  readonly #tally: Tally;
  readonly isInForce: () => boolean;
  #resume: (() => void) | null = null;

  constructor(response: FrontResponse, { member, format, identity }: LiveReply, tally: Tally) {
    this.#response = response;
    this.#member = member;
    this.#format = format;
    this.#tally = tally;
    this.isInForce = identity.isInForce;
  }

  begin(streams: Streams): void {
    const remove = streams.add(this);
    this.#response.on('drain', () => this.#goOn());
    this.#response.on('close', () => {
      remove();
      this.#goOn();
      void this.#member.return();
    });
    void this.#pump();
  }

  beat(): void {
    if (!this.#response.writableEnded && !this.#response.writableNeedDrain) this.#response.write(this.#format.beat);
  }

  end(reason: Reason): void {
    const { socket } = this.#response;
    if (reason === 'revoked') this.#close(this.#format.fatal(JSON.stringify([revokedError()])));
    else this.#close('', () => socket?.destroySoon()); // Which was promised to stay, and would outlive the server.
  }

  async #pump(): Promise<void> {
    for await (const rendered of this.#member) {
      if (!this.isInForce()) return this.end('revoked');
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
    void this.#member.return();
  }
}

function open(response: FrontResponse, { status, headers, format }: LiveReply): void {
  response.socket?.setTimeout(0); // Quiet is nothing bad here.
  response.socket?.setKeepAlive(true, PROBE_MS);
  begin(response, status, headers);
  response.cork();
  response.flushHeaders(); // Apart: with more behind it Node would keep the text of the headers in all its pieces.
  response.write(format.opening);
  response.uncork();
  response.req.rawHeaders.length = 0; // They were read, and would stay as long as the stream.
  response.req.headers = {};
}
