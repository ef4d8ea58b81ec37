import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Call } from '../../../../src/upstream/resilience/transport.ts';
import type { FileUpload } from '../../../../src/upstream/resources/file.ts';
import { createUpstream, type Upstream } from '../../../../src/upstream/upstream.ts';
import { fileBody } from '../../../kit/bodies/file.ts';
import { createTestClock, type TestClock } from '../../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';
import { until } from '../../../kit/until.ts';

const TIMEOUT_MS = 30_000;
const FILE = fileBody('file-1');
const MIB = Buffer.alloc(1024 * 1024, 'x');

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  upstream = createUpstream({
    baseUrl: new URL(scripted.baseUrl),
    timeoutMs: TIMEOUT_MS,
    connections: 8,
    retries: 2,
    maxRps: 100_000,
    clock,
  });
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

const callWith = (signal = new AbortController().signal): Call => ({ credential: { apiKey: 'any-text' }, signal });

/** Content that the test supplies chunk by chunk. `consumed` records how it was read. */
function createContent() {
  const chunks: (Uint8Array | Error | null)[] = [];
  let wake = () => {};
  const consumed = { chunks: 0, hasEnded: false };
  const content: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        while (chunks.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const chunk = chunks.shift();
        if (chunk instanceof Error) throw chunk;
        if (chunk == null) return { done: true, value: undefined };
        consumed.chunks++;
        return { done: false, value: chunk };
      },
      async return() {
        consumed.hasEnded = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const supply = (...more: (Uint8Array | Error | null)[]) => {
    chunks.push(...more);
    wake();
  };
  return { content, supply, consumed };
}

const upload = (content: AsyncIterable<Uint8Array>, call = callWith(), more: Partial<FileUpload> = {}) =>
  upstream.files.upload({ filename: 'train.jsonl', purpose: 'fine-tune', content, ...more }, call);

async function* of(...chunks: readonly string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** Parses the form with another implementation. */
async function formOf(request: IncomingMessage): Promise<FormData> {
  return await new Response(await buffer(request), {
    headers: { 'content-type': request.headers['content-type'] ?? '' },
  }).formData();
}

/** Scripts the upstream to read the whole form and respond with a file. */
function receiveForm(): Promise<FormData> {
  const form = Promise.withResolvers<FormData>();
  scripted.on('/files', async (request: IncomingMessage, response: ServerResponse) => {
    formOf(request).then(form.resolve, form.reject);
    await form.promise;
    writeResponse(response, 200, FILE);
  });
  return form.promise;
}

/** Scripts the upstream to read nothing of the body. Resolves to the request when it arrives. */
function receiveRequest(): Promise<{ request: IncomingMessage; response: ServerResponse }> {
  const { promise, resolve } = Promise.withResolvers<{ request: IncomingMessage; response: ServerResponse }>();
  scripted.on('/files', (request: IncomingMessage, response: ServerResponse) => resolve({ request, response }));
  return promise;
}

describe('an upload', () => {
  it('is a form with the purpose, the expiry and the unchanged file', async () => {
    const form = receiveForm();
    const file = await upload(of('{"a":1}\n', '', '{"b":"ü"}\r\n'), callWith(), { expiresAfterSeconds: 3600 });
    const fields = [...(await form)];
    expect(fields.map(([name]) => name)).toEqual([
      'purpose',
      'expires_after[anchor]',
      'expires_after[seconds]',
      'file',
    ]);
    expect(fields.slice(0, 3).map(([, value]) => value)).toEqual(['fine-tune', 'created_at', '3600']);
    const content = fields[3]?.[1] as File;
    expect(content.name).toBe('train.jsonl');
    expect(await content.text()).toBe('{"a":1}\n{"b":"ü"}\r\n');
    expect(file).toMatchObject({ id: 'file-1' });
    expect(scripted.calls).toHaveLength(1);
  });

  it.each([
    ['quotes', 'a"b".jsonl', 'a%22b%22.jsonl'],
    [
      'line breaks and a header',
      'a\r\nContent-Type: text/html\r\n\r\n<b>',
      'a%0D%0AContent-Type: text/html%0D%0A%0D%0A<b>',
    ],
    ['other scripts', 'žluť-数据.jsonl', 'žluť-数据.jsonl'],
    ['10,000 characters', 'x'.repeat(10_000), 'x'.repeat(10_000)],
  ])('whose filename has %s is a form with one file and no additional part', async (_, filename, sent) => {
    const bodies: Promise<string>[] = [];
    scripted.on('/files', (request: IncomingMessage, response: ServerResponse) => {
      bodies.push(text(request));
      writeResponse(response, 200, FILE);
    });
    await upload(of('{}'), callWith(), { filename });
    const body = (await bodies[0]) ?? '';
    expect(body.match(/Content-Disposition/g)).toHaveLength(2);
    expect(body).toContain(`name="file"; filename="${sent}"\r\nContent-Type: application/octet-stream\r\n\r\n{}`);
  });

  it('without content is a form with an empty file', async () => {
    const form = receiveForm();
    await upload(of());
    expect(await ((await form).get('file') as File).text()).toBe('');
  });

  it('reads its content only as fast as the upstream reads the body', async () => {
    const { content, supply, consumed } = createContent();
    const arrived = receiveRequest();
    supply(...Array.from({ length: 200 }, () => MIB), null);
    const uploading = upload(content);
    const { request, response } = await arrived;
    let before = -1;
    // The buffers of the two sockets fill up, then no more is read.
    for (let unchanged = 0; unchanged < 200; unchanged = consumed.chunks === before ? unchanged + 1 : 0) {
      before = consumed.chunks;
      await setImmediate();
    }
    expect(consumed.chunks).toBeLessThan(60);
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    writeResponse(response, 200, FILE);
    expect(await uploading).toMatchObject({ id: 'file-1' });
    expect(bytes).toBeGreaterThan(200 * MIB.length);
  });

  it('that is aborted ends the request, and its content while a chunk is awaited', async () => {
    const { content, supply, consumed } = createContent();
    const arrived = receiveRequest();
    const controller = new AbortController();
    const uploading = upload(content, callWith(controller.signal));
    supply(Buffer.from('{"half":'));
    const { request } = await arrived;
    const ended = text(request);
    controller.abort(new Error('aborted'));
    await expect(uploading).rejects.toThrow('aborted');
    await expect(ended).rejects.toThrow();
    await until(() => consumed.hasEnded);
    expect(request.complete).toBe(false);
  });

  it('whose content throws rejects with that error, and the upstream receives no complete form', async () => {
    const { content, supply } = createContent();
    const arrived = receiveRequest();
    const uploading = upload(content);
    supply(MIB, Buffer.from('{"bad":'));
    const { request } = await arrived;
    const ended = text(request);
    supply(new Error('line 2: is not JSON'));
    await expect(uploading).rejects.toThrow('line 2: is not JSON');
    await expect(ended).rejects.toThrow();
    expect(request.complete).toBe(false);
    scripted.onFile(FILE);
    expect(await upstream.files.get('file-1', callWith())).toMatchObject({ id: 'file-1' }); // The next call is not affected.
  });

  it('that is refused before its last byte has a known outcome, and reads no more content', async () => {
    const { content, supply, consumed } = createContent();
    scripted.on('/files', (_: unknown, response: ServerResponse) =>
      writeResponse(response, 413, {}, { connection: 'close' }),
    );
    supply(MIB);
    const failure = await upload(content).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UPSTREAM_REJECTED', isOutcomeUnknown: false });
    await until(() => consumed.hasEnded);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown]>([
    ['within its body', (request) => once(request, 'data').then(() => request.socket.resetAndDestroy())],
    ['after its body', (request) => text(request).then(() => request.socket.resetAndDestroy())],
    [
      'after the status line',
      (request, response) =>
        text(request).then(() => response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n')),
    ],
    [
      'by a 503',
      (request, response) => text(request).then(() => writeResponse(response, 503, {}, { 'retry-after': '1' })),
    ],
  ])('that is cut off %s has an unknown outcome, and is not retried', async (_, script) => {
    scripted.on('/files', script);
    const failure = await upload(of('{}\n', '{}\n')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ isOutcomeUnknown: true });
    expect(scripted.calls).toHaveLength(1);
  });

  it('has no timeout while it waits for its content', async () => {
    const { content, supply, consumed } = createContent();
    const form = receiveForm();
    const uploading = upload(content);
    await until(() => scripted.calls.length === 1);
    supply(Buffer.from('{}\n'));
    await until(() => consumed.chunks === 1);
    await setImmediate();
    await until(() => clock.timers === 0);
    clock.advance(10 * TIMEOUT_MS);
    supply(Buffer.from('{}\n'), null);
    expect(await uploading).toMatchObject({ id: 'file-1' });
    expect(await ((await form).get('file') as File).text()).toBe('{}\n{}\n');
    expect(clock.timers).toBe(0);
  });

  it('that the upstream stops reading ends at the timeout', async () => {
    const { content, supply, consumed } = createContent();
    const arrived = receiveRequest();
    supply(...Array.from({ length: 200 }, () => MIB));
    const failing = upload(content).catch((error: unknown) => error);
    await arrived;
    await until(() => clock.timers === 1 && consumed.chunks > 2);
    let isSettled = false;
    void failing.then(() => (isSettled = true));
    while (!isSettled) {
      await setImmediate();
      clock.advance(TIMEOUT_MS / 10);
    }
    expect(await failing).toMatchObject({ code: 'UPSTREAM_TIMEOUT', isOutcomeUnknown: true });
    await until(() => consumed.hasEnded);
    expect(clock.timers).toBe(0);
  });

  it('without a response ends at the timeout', async () => {
    const gate = scripted.hold();
    const failing = upload(of('{}')).catch((error: unknown) => error);
    await gate.arrived(1);
    await until(() => clock.timers === 1);
    for (let count = 0; count < 20; count++) await setImmediate(); // The last bytes restart the deadline.
    clock.advance(TIMEOUT_MS);
    expect(await failing).toMatchObject({ code: 'UPSTREAM_TIMEOUT', isOutcomeUnknown: true });
    gate.release();
  });
});
