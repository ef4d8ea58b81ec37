import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf, findToken, generateToken, type Token } from '../../../../src/server/auth/token.ts';

describe('a new token', () => {
  it('is the prefix and 32 random bytes in base64url', () => {
    const tokens = Array.from({ length: 100 }, generateToken);
    for (const token of tokens) {
      expect(token).toMatch(/^fgw_[\w-]{43}$/);
      expect(Buffer.from(token.slice(4), 'base64url')).toHaveLength(32);
    }
    expect(new Set(tokens).size).toBe(100);
  });

  it('has the unsalted SHA-256 digest that other tools compute', () => {
    expect(digestOf('fgw_a').toString('hex')).toBe(createHash('sha256').update('fgw_a').digest('hex'));
  });
});

describe('the lookup of a token', () => {
  /** Ten tokens that count the reads of their digests. */
  function countedTokens() {
    const reads = Array.from({ length: 10 }, () => 0);
    const secrets = reads.map(generateToken);
    const tokens = secrets.map((secret, index): Token => {
      const digest = digestOf(secret);
      return {
        name: `name-${index}`,
        role: 'viewer',
        get digest() {
          reads[index] = (reads[index] ?? 0) + 1;
          return digest;
        },
      };
    });
    return { reads, secrets, tokens };
  }

  it('finds a token at any position, and nothing for an unlisted one', () => {
    const { secrets, tokens } = countedTokens();
    expect(secrets.map((secret) => findToken(secret, tokens)?.name)).toEqual(tokens.map(({ name }) => name));
    for (const secret of [generateToken(), '', secrets[0]?.slice(0, -1) ?? '', `${secrets[0]}x`, 'name-0']) {
      expect(findToken(secret, tokens)).toBeUndefined();
    }
    expect(findToken('x', [])).toBeUndefined();
  });

  it('compares every digest once, at any position and for an unlisted token', () => {
    for (const position of [0, 5, 9, undefined]) {
      const { reads, secrets, tokens } = countedTokens();
      findToken(position === undefined ? generateToken() : (secrets[position] ?? ''), tokens);
      expect(reads).toEqual(Array.from({ length: 10 }, () => 1));
    }
  });

  it('compares the 32 bytes of every SHA-256 in constant time', () => {
    const { secrets, tokens } = countedTokens();
    // timingSafeEqual throws when the lengths differ; no other comparison does.
    const short: Token = { name: 'short', role: 'viewer', digest: Buffer.alloc(31) };
    const [listed = ''] = secrets;
    const wrong = Array.from({ length: 600 }, (_, length) => listed.slice(0, length).padEnd(length, 'x'));
    for (const secret of [listed, ...wrong.filter((secret) => secret !== listed)]) {
      expect(() => findToken(secret, [...tokens, short])).toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' }),
      );
      expect(findToken(secret, tokens)?.name).toBe(secret === listed ? 'name-0' : undefined);
    }
  });
});
