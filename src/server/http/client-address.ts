import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { memoizeText } from './text-memo.ts';

/**
 * Returns the address by which a client is counted: IPv4 whole, also when mapped into IPv6; IPv6 by its /64 prefix, because
 * providers assign a /64 to one customer.
 */
export function addressKey(address = ''): string {
  return keyOf(address);
}

const keyOf = memoizeText((address) => {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const prefix = parsed.parts.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
});
