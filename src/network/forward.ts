import type { Dispatcher } from 'undici';
import { type ProxyServer, serverNameOf } from './proxy.ts';
import { refused, unreachable } from './proxy-error.ts';
import type { Connector } from './tunnel.ts';
import { buildConnector } from './undici.ts';

/** Creates a connector of undici to the proxy itself, whose failures say that it is the proxy. */
export function createProxyConnector(proxy: ProxyServer, connectTimeout: number): Connector {
  const connect = buildConnector({ timeout: connectTimeout, allowH2: false });
  return (target, callback) =>
    connect({ ...target, servername: serverNameOf(proxy.hostname) }, (error, socket) =>
      error === null ? callback(null, socket) : callback(unreachable(proxy, error), null),
    );
}

/**
 * Sends requests of an http origin to the proxy itself, with the whole URL as their target (RFC 9112 3.2.2): many proxies
 * open no tunnel to port 80.
 */
export function createForwardInterceptor(proxy: ProxyServer, origin: URL): Dispatcher.DispatcherComposeInterceptor {
  const added = ['host', origin.host];
  if (proxy.authorization !== undefined) added.push('proxy-authorization', proxy.authorization);
  return (dispatch) => (options, handler) => {
    const onResponseStart = handler.onResponseStart?.bind(handler);
    handler.onResponseStart = (controller, status, headers, statusText) => {
      if (status === 407) throw refused(proxy, origin.host, status); // undici ends the request with this error.
      onResponseStart?.(controller, status, headers, statusText);
    };
    const headers = [...flat(options.headers), ...added];
    return dispatch({ ...options, path: origin.origin + options.path, headers }, handler);
  };
}

/** Names and values in turn. */
function flat(headers: Dispatcher.DispatchOptions['headers']): string[] {
  if (Array.isArray(headers)) return headers;
  return Object.entries(headers ?? {}).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, String(one)]));
}
