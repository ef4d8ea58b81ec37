import { isIP } from 'node:net';
import { isBypassed } from './no-proxy.ts';

/** A proxy of outgoing connections. */
export interface ProxyServer {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  readonly port: number;
  /** Value of `Proxy-Authorization`; undefined without a user. A secret. */
  readonly authorization: string | undefined;
  /** The URL without user and password, such as `http://proxy.example:3128`. */
  readonly name: string;
  /** The variable that names it. */
  readonly setting: 'HTTPS_PROXY' | 'HTTP_PROXY';
}

export interface ProxySettings {
  /** The proxy for http URLs. */
  readonly http: ProxyServer | null;
  /** The proxy for https URLs. */
  readonly https: ProxyServer | null;
  /** Value of `NO_PROXY`. */
  readonly noProxy: string;
}

/** Returns the proxy for an origin, or null for a direct connection. Loopback addresses are always direct. */
export function proxyFor(
  { protocol, hostname, port }: URL,
  { http, https, noProxy }: ProxySettings,
): ProxyServer | null {
  const proxy = protocol === 'https:' ? https : http;
  if (proxy === null || isLoopback(hostname)) return null;
  return isBypassed(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), noProxy) ? null : proxy;
}

const LOOPBACK = /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])\.?$/;

const isLoopback = (hostname: string) => LOOPBACK.test(hostname);

/** Parses the URL of a proxy; without a scheme, http is meant. Returns null when it is none. */
export function parseProxy(text: string, setting: ProxyServer['setting']): ProxyServer | null {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  const { protocol, hostname, username, password, origin } = url;
  const user = username === '' ? null : decode(`${username}:${password}`);
  if (hostname === '' || (user === null && username !== '')) return null;
  return {
    protocol,
    hostname: hostname.replace(/^\[(.+)\]$/, '$1'),
    port: Number(url.port) || (protocol === 'https:' ? 443 : 80),
    authorization: user === null ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
    name: origin,
    setting,
  };
}

/** The name of a TLS server for SNI, which has no addresses (RFC 6066 3). */
export const serverNameOf = (hostname: string): string => (isIP(hostname) === 0 ? hostname : '');

/** Returns the settings with a proxy in place of the one of the same setting, which may be that of both kinds of URLs. */
export function withProxy(proxy: ProxyServer, { http, https, noProxy }: ProxySettings): ProxySettings {
  const replace = (old: ProxyServer | null) => (old?.setting === proxy.setting ? proxy : old);
  return { http: replace(http), https: replace(https), noProxy };
}

/** The secrets of a proxy in all forms, for redaction. */
export function secretsOfProxy({ authorization }: ProxyServer): string[] {
  const encoded = authorization?.replace('Basic ', '');
  if (encoded === undefined) return [];
  const user = Buffer.from(encoded, 'base64').toString();
  const password = user.slice(user.indexOf(':') + 1);
  return [encoded, password, encodeURIComponent(password)].filter((secret) => secret !== '');
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
