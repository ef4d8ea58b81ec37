import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock.ts';
import { type GatewayResponse, type GatewayServer, send } from './reply.ts';
import { bodyTimeout } from './request-body.ts';

/** Limits the time from the headers of a request to the end of its body. */
export interface BodyTimeouts {
  /**
   * Responds 408 to each request of the server whose body is incomplete after the timeout. Disconnects a client that still
   * sends the body of a rejected request.
   */
  use(server: GatewayServer): void;
  /** Removes the timeout of a request, whose progress the caller enforces. */
  remove(request: IncomingMessage): void;
}

export function createBodyTimeouts(timeoutMs: number, clock: Clock): BodyTimeouts {
  const cancels = new WeakMap<IncomingMessage, () => void>();
  /** The responses of the requests of this turn of the event loop. No Map, for the reason of `ShortLivedMap`. */
  let arrived: GatewayResponse[] = [];
  const remove = (request: IncomingMessage) => {
    arrived = arrived.filter(({ req }) => req !== request);
    cancels.get(request)?.();
    cancels.delete(request);
  };

  function onTimeout(request: IncomingMessage, response: GatewayResponse) {
    if (request.complete) return;
    if (!request.socket.writable) return; // Its lingering close has bounds of its own.
    if (response.headersSent) request.socket.destroy();
    else send(response, bodyTimeout(timeoutMs).toReply()); // The router waits for the body: its log line records the status.
  }

  // Most bodies arrive together with their headers, and need neither a timer nor listeners.
  function start(request: IncomingMessage, response: GatewayResponse) {
    if (!hasBody(request)) return;
    if (arrived.length === 0) setImmediate(startTimers);
    arrived.push(response);
  }

  function startTimers() {
    const responses = arrived;
    arrived = [];
    for (const response of responses) {
      const request = response.req;
      if (!request.complete && !request.socket.destroyed) startTimer(request, response);
    }
  }

  function startTimer(request: IncomingMessage, response: GatewayResponse) {
    const { socket } = request;
    const cancelTimer = clock.after(timeoutMs, () => onTimeout(request, response));
    // A request that is destroyed before its end does not always emit `close`; its socket does.
    const onClose = () => remove(request);
    cancels.set(request, () => {
      cancelTimer();
      socket.off('close', onClose);
    });
    socket.on('close', onClose);
    request.on('close', onClose);
  }

  return {
    use(server) {
      server.prependListener('request', start);
      server.prependListener('checkExpectation', start);
    },
    remove,
  };
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
