import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey } from '../../../../src/server/http/remote.ts';

const hex = (group: number) => group.toString(16);
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
const full = (eight: readonly number[]) => eight.map(hex).join(':');
/** The shortest form, as browsers write it. */
const short = (eight: readonly number[]) => new URL(`http://[${full(eight)}]`).hostname.slice(1, -1);
const isMapped = (eight: readonly number[]) => eight.slice(0, 5).every((group) => group === 0) && eight[5] === 0xffff;

describe('the key of a client address', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:FFFF:203.0.113.9', '203.0.113.9'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    [undefined, ''],
  ])('of %s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('is the address itself for IPv4, also when mapped into IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKey(address)).toBe(address);
        expect(addressKey(`::ffff:${address}`)).toBe(address);
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        expect(addressKey(`::ffff:${hex(a * 256 + b)}:${hex(c * 256 + d)}`)).toBe(address);
      }),
    );
  });

  it('is equal for all forms of an IPv6 address, and for all addresses of its /64', () => {
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        const neighbor = [...one.slice(0, 4), ...other.slice(4)];
        fc.pre(!isMapped(one) && !isMapped(neighbor));
        const key = addressKey(full(one));
        expect([short(one), short(one).toUpperCase(), full(neighbor), short(neighbor)].map(addressKey)).toEqual(
          Array(4).fill(key),
        );
      }),
    );
  });

  it('differs between two /64', () => {
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        fc.pre(!isMapped(one) && !isMapped(other));
        const subnet = new BlockList();
        subnet.addSubnet(full(one), 64, 'ipv6');
        expect(addressKey(short(one)) === addressKey(short(other))).toBe(subnet.check(full(other), 'ipv6'));
      }),
    );
  });

  it('is short for any IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(isIPv6(address));
        expect(addressKey(address)).toMatch(/^([\da-f]{1,4}:){4}:\/64$|^[\d.]{7,15}$/);
      }),
    );
  });
});
