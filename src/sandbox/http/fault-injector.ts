import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Fault } from '../state/faults.ts';

/** A response before a fault is injected. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for a response without a body. */
  readonly body: object | null;
}

/** Injects a fault before the request is handled. Resolves to true when the connection is destroyed. */
export async function injectBeforeHandling(fault: Fault, request: IncomingMessage): Promise<boolean> {
  if (fault === 'cut_in_body') await Promise.race([once(request, 'data'), once(request, 'end')]);
  else if (fault !== 'cut_at_once') for await (const _ of request.iterator({ destroyOnReturn: false }));
  if (fault === 'fail_before') return false;
  request.socket.destroy();
  return true;
}

/** Injects a fault into a JSON response. Returns false when the fault is of another kind. */
export function injectIntoResponse(
  fault: Fault,
  response: ServerResponse,
  { status, headers, body }: ApiResponse,
): boolean {
  const { socket } = response;
  switch (fault) {
    case 'silence':
      return true; // The socket stays open: the client has to time out.
    case 'cut_before_response':
      socket?.destroy();
      return true;
    case 'cut_after_status':
      socket?.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`);
      return true;
    case 'cut_in_response': {
      const text = JSON.stringify(body);
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
      response.write(text.slice(0, text.length / 2), () => socket?.destroy());
      return true;
    }
    default:
      return false;
  }
}
