import { isIPv4, isIPv6 } from 'node:net';

/**
 * Under what an address is counted: IPv4 by itself, also when it comes mapped into IPv6; IPv6 by its /64, all of which one
 * customer has.
 */
export function addressKey(address = ''): string {
  const text = address.replace(/%.*/, '');
  if (!isIPv6(text)) return text;
  const groups = groupsOf(text);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return groups.slice(6).flatMap(bytesOf).join('.');
  return `${groups.slice(0, 4).map(hex).join(':')}::/64`;
}

/** The eight groups of an IPv6 address, however it is written. */
function groupsOf(text: string): number[] {
  const [before = [], after] = text.split('::').map((half) => half.split(':').flatMap(partOf));
  if (after === undefined) return before;
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function partOf(part: string): number[] {
  if (part === '') return [];
  if (!isIPv4(part)) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

const bytesOf = (group: number) => [group >> 8, group & 0xff];
const hex = (group: number) => group.toString(16);
