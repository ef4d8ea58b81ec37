import { describe, expect, it } from 'vitest';
import { CompressedForms } from '../../../../src/server/http/compressed-forms.ts';
import { createCompress } from '../../../../src/server/http/compression.ts';
import type { GraphqlReply } from '../../../../src/server/http/reply.ts';

const HEADERS = { 'content-type': 'application/json' };
const replyOf = (text: string): GraphqlReply => {
  return { status: 200, headers: HEADERS, body: Buffer.from(text), forms: new CompressedForms() };
};

describe('the compression of responses', () => {
  it('works on 16 at a time, and sends one more as it is', async () => {
    const compress = createCompress(1);
    const replies = Array.from({ length: 17 }, (_, index) => replyOf(`${index}`.repeat(2000)));
    const compressed = replies.map((reply) => compress('gzip', reply));
    expect(compressed.filter((reply) => reply instanceof Promise)).toHaveLength(16);
    expect(compressed.at(-1)).toBe(replies.at(-1));
    await Promise.all(compressed);
    expect(compress('gzip', replyOf('a'.repeat(2000)))).toBeInstanceOf(Promise);
  });

  it('takes no turn of the event loop for a form that it has, and shares its headers', async () => {
    const compress = createCompress(1);
    const reply = replyOf('a'.repeat(2000));
    const first = await compress('zstd', reply);
    const second = compress('zstd', reply);
    expect(second).toEqual(first);
    expect('headers' in second && second.headers).toBe(first.headers);
  });

  it('sends a body that would not become smaller as it is', async () => {
    const noise = Array.from({ length: 400 }, (_, index) => String.fromCharCode(33 + ((index * index * 7919) % 90)));
    const reply = replyOf(noise.slice(0, 12).join(''));
    expect(await createCompress(1)('gzip', reply)).toBe(reply);
  });
});
