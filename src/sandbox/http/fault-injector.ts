import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Fault } from '../state/faults.ts';

/** What a fault leaves of a request. Resolves with whether that is all: the connection is gone. */
export async function cutRequest(fault: Fault, request: IncomingMessage): Promise<boolean> {
  if (fault === 'cut_in_body') await Promise.race([once(request, 'data'), once(request, 'end')]);
  else if (fault !== 'cut_at_once') for await (const _ of request.iterator({ destroyOnReturn: false }));
  if (fault === 'fail_before') return false;
  request.socket.destroy();
  return true;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object | null;
}

/** Writes what a fault leaves of an answer that is no download; says whether it was one of these faults. */
export function cutAnswer(fault: Fault, response: ServerResponse, { status, headers, body }: Answer): boolean {
  const { socket } = response;
  switch (fault) {
    case 'silence':
      return true; // The socket stays open: whoever waits has to give up.
    case 'cut_before_answer':
      socket?.destroy();
      return true;
    case 'cut_after_status':
      socket?.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`);
      return true;
    case 'cut_in_answer': {
      const text = JSON.stringify(body);
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
      response.write(text.slice(0, text.length / 2), () => socket?.destroy());
      return true;
    }
    default:
      return false;
  }
}
