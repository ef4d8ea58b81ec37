import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { createCounter } from '../counter.ts';
import type { Certificate } from '../process/certificate.ts';

/** What a proxy does with a request: passes it on, responds with a status of its own, or never responds. */
export type ProxyMode = 'pass' | 'hang' | number;

/** A real forward proxy, for CONNECT and for whole URLs. All hosts are one server of this machine. */
export interface TestProxy extends AsyncDisposable {
  /** Without user and password. */
  readonly url: string;
  /** The targets of all requests so far, and the value of Proxy-Authorization. */
  readonly requests: { readonly target: string; readonly authorization: string | undefined }[];
  /** The headers of the requests with a whole URL. */
  readonly forwarded: IncomingMessage['headers'][];
  /** The users and passwords that it accepts, such as `ann:secret`. Empty: it requires none. */
  readonly accepted: Set<string>;
  mode: ProxyMode;
  /** Number of open connections of clients. */
  readonly connections: number;
  /** Resolves when `count` requests have arrived. */
  arrived(count: number): Promise<void>;
  /** Stops listening, and closes all connections. */
  refuse(): Promise<void>;
}

/** Starts a proxy that connects everything to `port`. It requires the user and password of `credentials`, such as `ann:secret`. */
export async function startProxy(
  port: number,
  { credentials, certificate }: { credentials?: string; certificate?: Certificate } = {},
): Promise<TestProxy> {
  const accepted = new Set(credentials === undefined ? [] : [credentials]);
  const server = certificate ? createSecureServer(certificate) : createServer();
  const sockets = new Set<Socket>();
  const arrivals = createCounter();
  const proxy = { mode: 'pass' as ProxyMode };
  const requests: TestProxy['requests'] = [];
  const forwarded: TestProxy['forwarded'] = [];

  /** The status of the proxy's own response; null to pass the request on, undefined for none. */
  function statusOf({ url = '', headers }: IncomingMessage): number | null | undefined {
    const authorization = headers['proxy-authorization'];
    requests.push({ target: url, authorization });
    arrivals.count();
    if (accepted.size > 0 && !accepted.has(userOf(authorization))) return 407;
    if (proxy.mode === 'hang') return undefined;
    return proxy.mode === 'pass' ? null : proxy.mode;
  }

  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {}));
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {});
    const status = statusOf(request);
    if (status === undefined) return void client.on('end', () => client.end()).resume();
    if (status !== null) return void client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const status = statusOf(request);
    if (status === undefined) return;
    if (status !== null) return void response.writeHead(status).end('not from the upstream');
    forwarded.push(request.headers);
    const { pathname, search } = new URL(request.url ?? '');
    const { method, headers } = request;
    const upstream = sendRequest({ port, host: '127.0.0.1', method, path: pathname + search, headers }, (received) => {
      response.writeHead(received.statusCode ?? 0, received.headers);
      received.pipe(response);
    });
    request.pipe(upstream.on('error', () => response.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo; // The address of a TCP server.
  const refuse = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const rest = {
    url: `${certificate ? 'https' : 'http'}://${certificate ? 'localhost' : '127.0.0.1'}:${own}`,
    requests,
    forwarded,
    accepted,
    arrived: arrivals.reached,
    refuse,
    [Symbol.asyncDispose]: refuse,
  };
  const connections = { get: () => sockets.size };
  return Object.defineProperty(Object.assign(proxy, { ...rest, connections: 0 }), 'connections', connections);
}

/** The user and password in a value of Proxy-Authorization, such as `ann:secret`. */
export const userOf = (authorization = ''): string =>
  Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();

/** TLS in front of a server of this machine. Resolves to its port. */
export async function startTls(baseUrl: string, certificate: Certificate): Promise<{ port: number } & AsyncDisposable> {
  const target = Number(new URL(baseUrl).port);
  const sockets = new Set<Duplex>();
  const server = createTlsServer(certificate, (client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.on('close', () => upstream.destroy()).pipe(upstream);
    upstream.on('close', () => client.destroy()).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // The address of a TCP server.
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
