import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { memoizeText } from './text-memo.ts';

/** The client of a request, as far as the connection and trusted proxies tell. */
export interface Remote {
  /** Empty when the client has disconnected. */
  readonly address: string;
  /** Scheme of the URL that the client requested; undefined when no proxy is trusted. */
  readonly scheme: Scheme | undefined;
  /** Whether the request comes from a trusted proxy, whose X-Forwarded-Host counts. */
  readonly isForwarded: boolean;
}

export type Scheme = 'http' | 'https';
export type RemoteOf = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => Remote;

/** Returns whether an address is one of these, which are in CIDR notation. */
export function createAddressMatcher(ranges: readonly string[]): (address: string) => boolean {
  const parsed = ranges.map((range) => ipaddr.parseCIDR(range));
  return memoizeText((address) => {
    if (isIP(address) === 0) return false;
    const ip = ipaddr.process(address); // Maps IPv4 in IPv6 to IPv4.
    return parsed.some((range) => ip.kind() === range[0].kind() && ip.match(range));
  });
}

/**
 * Creates the function that finds the client of a request. From a trusted peer, it is the rightmost address of
 * X-Forwarded-For that is not trusted: each proxy appends the address of its own peer, and a client can only write what is
 * left of that. Headers of other peers are ignored.
 */
export function createRemoteOf(isTrusted: ((address: string) => boolean) | null): RemoteOf {
  if (isTrusted === null) {
    return ({ socket }) => ({ address: plain(socket.remoteAddress), scheme: undefined, isForwarded: false });
  }
  return ({ headers, socket }) => {
    const peer = plain(socket.remoteAddress);
    if (!isTrusted(peer)) return { address: peer, scheme: 'http', isForwarded: false };
    const { address, hops } = walk(peer, listOf(headers['x-forwarded-for']), isTrusted);
    const schemes = listOf(headers['x-forwarded-proto']);
    return { address, scheme: schemeOf(schemes.at(-hops) ?? schemes[0]), isForwarded: true };
  };
}

/** Walks from the peer to the client, over trusted addresses only. A malformed entry ends the walk. */
function walk(peer: string, entries: readonly string[], isTrusted: (address: string) => boolean) {
  let address = peer;
  let hops = 0;
  while (hops < entries.length && isTrusted(address)) {
    const next = addressOf(entries.at(-hops - 1) ?? '');
    if (next === null) break;
    address = next;
    hops++;
  }
  return { address, hops: Math.max(hops, 1) };
}

/** Returns the address of an entry such as `203.0.113.7`, `203.0.113.7:4711` or `[2001:db8::7]:4711`; null for any other text. */
function addressOf(entry: string): string | null {
  const [, bracketed, ipv4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? [];
  const address = bracketed ?? ipv4 ?? entry;
  return isIP(address) === 0 || address.includes('%') ? null : plain(address);
}

/** The scheme of a value of X-Forwarded-Proto; Traefik sends ws and wss. */
export const schemeOf = (value: string | undefined): Scheme =>
  value !== undefined && /^(?:https|wss)$/i.test(value) ? 'https' : 'http';

/** The values of a header to which each proxy of a chain appends its own. */
export function listOf(value: string | string[] | undefined): string[] {
  return value === undefined
    ? []
    : String(value)
        .split(',')
        .map((part) => part.trim());
}

const plain = (address = '') => (/^::ffff:[\d.]+$/i.test(address) ? address.slice(7) : address);

/**
 * Returns the address by which a client is counted: IPv4 whole, also when mapped into IPv6; IPv6 by its /64 prefix, because
 * providers assign a /64 to one customer.
 */
export function addressKey(address = ''): string {
  return keyOf(address);
}

const keyOf = memoizeText((address) => {
  if (isIP(address) !== 6) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const prefix = parsed.parts.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
});
