import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskKeys } from '../../../../src/upstream/credentials/key-mask.ts';

const KEYS = { apiKey: 'sk-abababab', adminKey: 'abababac' };

async function mask(chunks: readonly string[], credential = KEYS): Promise<string> {
  async function* bytes() {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  }
  return Buffer.concat(await Array.fromAsync(maskKeys(bytes(), credential))).toString('latin1');
}

describe('maskKeys', () => {
  it('replaces each key by asterisks of its length, for any chunks: property', async () => {
    const chunk = fc.string({ unit: fc.constantFrom('sk-', 'ab', 'ac', 'a', 'b', '\xff', KEYS.apiKey, KEYS.adminKey) });
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), async (chunks) => {
        const whole = chunks.join('');
        const masked = await mask(chunks);
        expect(masked).toHaveLength(whole.length);
        for (const key of Object.values(KEYS)) expect(masked).not.toContain(key);
        expect([...masked].every((character, index) => character === whole[index] || character === '*')).toBe(true);
        if (!Object.values(KEYS).some((key) => whole.includes(key))) expect(masked).toBe(whole);
      }),
    );
  });

  it('leaves a placeholder key, which would mangle text', async () => {
    expect(await mask(['none'], { apiKey: 'none', adminKey: '' })).toBe('none');
  });
});
