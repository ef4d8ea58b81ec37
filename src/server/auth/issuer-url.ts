import { isIPv4 } from 'node:net';

/** Whether a URL is safe to read keys from: by TLS, or from this machine. */
export function isTrustworthy({ protocol, hostname }: URL): boolean {
  const isLoopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}

/** The path of OpenID Connect Discovery 1.0, 4: below the issuer, also when that has a path. */
export const discoveryUrlOf = (issuer: string): string =>
  `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
