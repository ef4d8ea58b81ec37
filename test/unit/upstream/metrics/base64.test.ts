import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeIfBase64 } from '../../../../src/upstream/metrics/base64.ts';

async function* inChunks(file: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < file.length; start += chunkBytes) yield file.subarray(start, start + chunkBytes);
}

async function decode(file: string | Uint8Array, chunkBytes = 1 << 16): Promise<string> {
  const chunks = await Array.fromAsync(decodeIfBase64(inChunks(Buffer.from(file), chunkBytes)));
  return Buffer.concat(chunks).toString();
}

const toBase64 = (text: string) => Buffer.from(text).toString('base64');
const chunkBytes = fc.integer({ min: 1, max: 2000 });

describe('decodeIfBase64', () => {
  it('yields the decoded text for any chunks and line widths: property', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ',', '\n', 'é', '€', '😀', '0'),
      minLength: 8,
      maxLength: 4000,
    });
    const width = fc.constantFrom(4, 64, 76, 77, 100_000);
    await fc.assert(
      fc.asyncProperty(text, width, chunkBytes, fc.boolean(), async (original, columns, bytes, isPadded) => {
        const lines =
          toBase64(original)
            .match(new RegExp(`.{1,${columns}}`, 'g'))
            ?.join('\n') ?? '';
        expect(await decode(isPadded ? `${lines}\n` : lines.replace(/=/g, ''), bytes)).toBe(original);
      }),
      { numRuns: 300 },
    );
  });

  it('yields plain CSV and JSON lines unchanged: property', async () => {
    const plain = fc.oneof(
      fc.array(fc.nat()).map((steps) => `step,train_loss\n${steps.map((step) => `${step},0.5\n`).join('')}`),
      fc.array(fc.json()).map((rows) => rows.map((row) => `{"messages":${row}}\n`).join('')),
    );
    await fc.assert(
      fc.asyncProperty(plain, chunkBytes, async (text, bytes) => {
        expect(await decode(text, bytes)).toBe(text);
      }),
    );
  });

  it.each(['', 'step', 'step\n1\n2\n3\n4\n', 'training', 'word', 'c3Rl', 'validation/file/text'])(
    'leaves %j unchanged, although it has only base64 characters',
    async (text) => expect(await decode(text)).toBe(text),
  );

  it('leaves base64 of bytes that are not text unchanged', async () => {
    const file = Buffer.from(Array.from({ length: 300 }, (_, index) => index % 256)).toString('base64');
    expect(await decode(file)).toBe(file);
  });

  it('yields the first bytes as soon as the encoding is detected', async () => {
    async function* chunks() {
      yield Buffer.from(toBase64('step,train_loss\n1,0.5\n'.repeat(50)));
      throw new Error('read more than needed');
    }
    const { value } = await decodeIfBase64(chunks()).next();
    expect(Buffer.from(value ?? []).toString()).toMatch(/^step,train_loss\n1,0.5\n/);
  });

  it.each(['*', 'é', '{}', 'c3RlcA=='])('throws when base64 is followed by %j', async (tail) => {
    const file = `${toBase64('step,train_loss\n'.repeat(100))}\n${tail}`;
    for (const bytes of [1, 7, 1 << 16]) {
      await expect(decode(file, bytes)).rejects.toThrow(
        'results: is base64 with an invalid character; expected base64 throughout',
      );
    }
  });
});
