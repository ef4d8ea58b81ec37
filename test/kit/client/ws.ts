import { WebSocket } from 'ws';

/** A WebSocket whose messages are read one by one. */
export interface TestSocket extends Disposable {
  readonly socket: WebSocket;
  send(...messages: readonly (object | string)[]): void;
  /** Resolves to the next message. Rejects when the socket is closed. */
  next(): Promise<Record<string, unknown>>;
  /** Resolves to the close code and reason. */
  readonly closed: Promise<[code: number, reason: string]>;
}

export interface SocketOptions {
  readonly headers?: Record<string, string>;
  readonly protocol?: string | string[];
  /** The payload of `connection_init`; false sends none. */
  readonly init?: object | false;
}

/** Resolves when the socket is open. Rejects with the response's status when the upgrade is rejected. */
export async function openSocket(url: string, options: SocketOptions = {}): Promise<TestSocket> {
  const { headers = {}, protocol = 'graphql-transport-ws', init = {} } = options;
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocol, { headers });
  const messages: Record<string, unknown>[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    wake();
  });
  const closed = new Promise<[number, string]>((resolve) =>
    socket.on('close', (code, reason) => {
      resolve([code, String(reason)]);
      wake();
    }),
  );
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => {}); // A reset closes the socket too.
  const send: TestSocket['send'] = (...texts) => {
    for (const text of texts) socket.send(typeof text === 'string' ? text : JSON.stringify(text));
  };
  const next = async () => {
    while (messages.length === 0 && socket.readyState === WebSocket.OPEN) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const message = messages.shift();
    if (!message) throw new Error(`closed: ${await closed}`);
    return message;
  };
  if (init) {
    send({ type: 'connection_init', payload: init });
    await Promise.race([next(), closed]);
  }
  return { socket, send, next, closed, [Symbol.dispose]: () => socket.terminate() };
}

export const subscribe = (id: string, query: string, params: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...params },
});
