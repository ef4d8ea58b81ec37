import type { ServerResponse } from 'node:http';
import type { Identity } from '../context.ts';
import { revokedError } from './authenticate.ts';
import { type Format, frameOf } from './format.ts';
import type { Member } from './group.ts';
import { HEADERS_OF_ALL, type Reply } from './reply.ts';
import type { Stream, Streams } from './streams.ts';

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
export function openStream(response: ServerResponse, reply: LiveReply, streams: Streams): Tally {
  const { member, format, identity } = reply;
  const tally: Tally = { transport: format.transport, results: 0 };
  if (response.destroyed || response.headersSent) {
    void member.return(); // The client has left meanwhile, or was refused.
    return tally;
  }
  let resume = () => {};
  const close = (last: string, whenSent?: () => void) => {
    if (!response.writableEnded) response.end(last + format.end, whenSent);
    void member.return();
  };
  const stream: Stream = {
    isInForce: identity.isInForce,
    beat() {
      if (!response.writableEnded && !response.writableNeedDrain) response.write(format.beat);
    },
    end(reason) {
      const { socket } = response;
      if (reason === 'revoked') close(format.fatal(JSON.stringify([revokedError()])));
      else close('', () => socket?.destroySoon()); // Which was promised to stay, and would outlive the server.
    },
  };

  async function pump() {
    for await (const rendered of member) {
      if (!stream.isInForce()) return stream.end('revoked');
      if (response.writableEnded) return;
      tally.results++;
      if (!response.write(frameOf(format, rendered))) await new Promise<void>((resolve) => (resume = resolve));
    }
    close('');
  }

  begin(response, reply);
  const remove = streams.add(stream);
  response.on('drain', () => resume());
  response.on('close', () => {
    remove();
    resume();
    void member.return();
  });
  void pump();
  return tally;
}

function begin(response: ServerResponse, { status, headers, format }: LiveReply): void {
  response.socket?.setTimeout(0); // Quiet is nothing bad here.
  response.socket?.setKeepAlive(true, PROBE_MS);
  response.writeHead(status, { ...HEADERS_OF_ALL, ...headers });
  response.cork();
  response.flushHeaders(); // Apart: with more behind it Node would keep the text of the headers in all its pieces.
  response.write(format.opening);
  response.uncork();
  response.req.rawHeaders.length = 0; // They were read, and would stay as long as the stream.
  response.req.headers = {};
}
