import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf, holderOf, makeToken, type Token } from '../../../../src/server/auth/token.ts';

describe('a new token', () => {
  it('is the prefix and 32 bytes in base64url, another one each time', () => {
    const tokens = Array.from({ length: 100 }, makeToken);
    for (const token of tokens) {
      expect(token).toMatch(/^fgw_[\w-]{43}$/);
      expect(Buffer.from(token.slice(4), 'base64url')).toHaveLength(32);
    }
    expect(new Set(tokens).size).toBe(100);
  });

  it('is known by its plain SHA-256, as other tools make it', () => {
    expect(digestOf('fgw_a').toString('hex')).toBe(createHash('sha256').update('fgw_a').digest('hex'));
  });
});

describe('the holder of a token', () => {
  /** Ten tokens that count how often each is looked at. */
  function counted() {
    const looks = Array.from({ length: 10 }, () => 0);
    const secrets = looks.map(makeToken);
    const tokens = secrets.map((secret, index): Token => {
      const digest = digestOf(secret);
      return {
        name: `name-${index}`,
        role: 'viewer',
        get digest() {
          looks[index] = (looks[index] ?? 0) + 1;
          return digest;
        },
      };
    });
    return { looks, secrets, tokens };
  }

  it('is found wherever it stands, and nobody is for a token that nobody has', () => {
    const { secrets, tokens } = counted();
    expect(secrets.map((secret) => holderOf(secret, tokens)?.name)).toEqual(tokens.map(({ name }) => name));
    for (const secret of [makeToken(), '', secrets[0]?.slice(0, -1) ?? '', `${secrets[0]}x`, 'name-0']) {
      expect(holderOf(secret, tokens)).toBeUndefined();
    }
    expect(holderOf('x', [])).toBeUndefined();
  });

  it('costs one comparison with each token, wherever it stands and whether it is there', () => {
    for (const place of [0, 5, 9, undefined]) {
      const { looks, secrets, tokens } = counted();
      holderOf(place === undefined ? makeToken() : (secrets[place] ?? ''), tokens);
      expect(looks).toEqual(Array.from({ length: 10 }, () => 1));
    }
  });

  it('takes as long whatever the token: what is compared is 32 bytes of SHA-256, in constant time, to the last', () => {
    const { secrets, tokens } = counted();
    // A comparison in constant time is the one that refuses what is not as long; no other would notice.
    const short: Token = { name: 'short', role: 'viewer', digest: Buffer.alloc(31) };
    const [right = ''] = secrets;
    const wrong = Array.from({ length: 600 }, (_, length) => right.slice(0, length).padEnd(length, 'x'));
    for (const secret of [right, ...wrong.filter((secret) => secret !== right)]) {
      expect(() => holderOf(secret, [...tokens, short])).toThrow(
        expect.objectContaining({ code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH' }),
      );
      expect(holderOf(secret, tokens)?.name).toBe(secret === right ? 'name-0' : undefined);
    }
  });
});
