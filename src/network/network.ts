import type { ClientRequest } from 'node:http';
import type { Clock } from '../clock.ts';
import { type ProxyServer, type ProxySettings, proxyFor, withProxy } from './proxy.ts';
import { type OutgoingPool, Pool } from './undici.ts';

export interface PoolOptions {
  /** Maximum sockets. */
  readonly connections: number;
  /** Maximum milliseconds until a socket is connected. */
  readonly connectTimeout: number;
}

/** How the gateway reaches other servers. All outgoing calls use its pools, so that the settings of proxies hold for each. */
export interface Network {
  /**
   * Opens a pool of connections to an origin, through its proxy if it has one. The caller closes it. It has no timeouts of
   * its own but that of the connection.
   */
  openPool(origin: URL, options: PoolOptions): OutgoingPool;
  /** The current proxy for an origin, or null. */
  proxyFor(origin: URL): ProxyServer | null;
  /** Uses a proxy in place of the one of the same setting for all calls from now on. Calls in progress keep theirs. */
  useProxy(proxy: ProxyServer): void;
  /** Ends the requests for tunnels in progress. */
  dispose(): void;
}

/** Maximum time for a proxy to open a tunnel: half of the call's time at most, so that the error names the proxy. */
const MAX_TUNNEL_MS = 10_000;

// undici's response timeouts are off: the deadline covers the whole call. undici does not follow redirects, so a credential
// reaches only its origin.
const COMMON = { headersTimeout: 0, bodyTimeout: 0, allowH2: false };

function openDirectPool({ origin }: URL, { connections, connectTimeout }: PoolOptions): Pool {
  return new Pool(origin, { connections, connectTimeout, ...COMMON });
}

/** The network without proxies. */
export const DIRECT: Network = {
  openPool: openDirectPool,
  proxyFor: () => null,
  useProxy: () => {},
  dispose: () => {},
};

/** Creates the network of these settings. The code for proxies is loaded only when one is set. */
export async function createNetwork(settings: ProxySettings, clock: Clock): Promise<Network> {
  if (settings.http === null && settings.https === null) return DIRECT;
  const [{ createTunnelConnector }, { createForwardInterceptor, createProxyConnector }, { ProxiedPool }] =
    await Promise.all([import('./tunnel.ts'), import('./forward.ts'), import('./proxied-pool.ts')]);
  let current = settings;
  const pending = new Set<ClientRequest>();

  function openTunnelPool(proxy: ProxyServer, { origin }: URL, { connections, connectTimeout }: PoolOptions): Pool {
    const tunnelTimeoutMs = Math.min(MAX_TUNNEL_MS, Math.ceil(connectTimeout / 2));
    const connect = createTunnelConnector(proxy, { tunnelTimeoutMs, connectTimeout, clock, pending });
    return new Pool(origin, { connections, connect, ...COMMON });
  }

  function openForwardPool(proxy: ProxyServer, origin: URL, { connections, connectTimeout }: PoolOptions): Pool {
    const connect = createProxyConnector(proxy, Math.min(MAX_TUNNEL_MS, Math.ceil(connectTimeout / 2)));
    const pool = new Pool(proxy.name, { connections, connect, ...COMMON });
    return pool.compose(createForwardInterceptor(proxy, origin)) as Pool; // The same pool, with another `dispatch`.
  }

  return {
    openPool(origin, options) {
      if (proxyFor(origin, current) === null) return openDirectPool(origin, options); // NO_PROXY does not change.
      const isSecure = origin.protocol === 'https:';
      const openThrough = isSecure ? openTunnelPool : openForwardPool;
      return new ProxiedPool(
        () => (isSecure ? current.https : current.http),
        (proxy) => (proxy === null ? openDirectPool(origin, options) : openThrough(proxy, origin, options)),
      );
    },
    proxyFor: (origin) => proxyFor(origin, current),
    useProxy(proxy) {
      current = withProxy(proxy, current);
    },
    dispose() {
      for (const request of pending) request.destroy();
    },
  };
}
