import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { buildConnector as Connectors } from 'undici';
import type { Clock } from '../clock.ts';
import { type ProxyServer, serverNameOf } from './proxy.ts';
import { hanging, refused, unreachable } from './proxy-error.ts';
import { buildConnector } from './undici.ts';

export type Connector = Connectors.connector;

export interface TunnelOptions {
  /** Maximum milliseconds until the proxy has opened the tunnel. */
  readonly tunnelTimeoutMs: number;
  /** Maximum milliseconds of the TLS handshake with the origin. */
  readonly connectTimeout: number;
  readonly clock: Clock;
  /** The requests for tunnels in progress, which end with the network. */
  readonly pending: Set<ClientRequest>;
}

/** Creates a connector of undici that asks the proxy for a tunnel (RFC 9110 9.3.6), and speaks TLS with the origin through it. */
export function createTunnelConnector(proxy: ProxyServer, options: TunnelOptions): Connector {
  const secure = buildConnector({ timeout: options.connectTimeout, allowH2: false });
  return (target, callback) => {
    const { hostname, port, protocol } = target;
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    openTunnel(proxy, `${host}:${port || (protocol === 'https:' ? 443 : 80)}`, options).then(
      (socket) => secure({ ...target, httpSocket: socket as Socket }, callback), // A TCP or TLS socket.
      (error: Error) => callback(error, null),
    );
  };
}

/** Resolves to the connection through the proxy to `target`, a host and port. Rejects with ProxyError. */
function openTunnel(
  proxy: ProxyServer,
  target: string,
  { tunnelTimeoutMs, clock, pending }: TunnelOptions,
): Promise<Duplex> {
  const { protocol, hostname, port, authorization } = proxy;
  return new Promise((resolve, reject) => {
    const open = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = open({
      method: 'CONNECT',
      host: hostname,
      port,
      path: target,
      servername: serverNameOf(hostname),
      agent: false,
      headers: { host: target, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    });
    pending.add(request);
    const cancelTimer = clock.after(tunnelTimeoutMs, () => request.destroy(hanging(proxy, target, tunnelTimeoutMs)));
    request.on('close', () => {
      cancelTimer();
      pending.delete(request);
    });
    request.on('error', (error) => reject(error.name === 'ProxyError' ? error : unreachable(proxy, error)));
    request.on('connect', ({ statusCode = 0 }, socket, head) => {
      cancelTimer();
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      socket.on('error', () => {}).destroy();
      reject(refused(proxy, target, statusCode));
    });
    request.end();
  });
}
