import { WebSocket } from 'ws';

/** A bare WebSocket: each message is read once, in its order. */
export interface TestSocket extends Disposable {
  readonly socket: WebSocket;
  send(...messages: readonly (object | string)[]): void;
  /** The next message that is no ping of the protocol. */
  next(): Promise<Record<string, unknown>>;
  /** The code and reason with which it was closed. */
  readonly closed: Promise<[code: number, reason: string]>;
}

export interface SocketOptions {
  readonly headers?: Record<string, string>;
  readonly protocol?: string | string[];
  /** Whether it says who it is at once, by these parameters. */
  readonly init?: object | false;
}

/** Resolves once it is open; rejects with the answer's status when it is refused. */
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
  socket.on('error', () => {}); // A reset is an end as well.
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

export const subscribe = (id: string, query: string, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
