import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readParts } from '../../../../src/sandbox/api/multipart.ts';
import { readLines } from '../../../../src/sandbox/training-file/jsonl.ts';
import { openSandbox, type WireFile } from '../open.ts';
import { lines, openWritable, UNTIL_RUNNING } from '../write.ts';

// A temporary folder that only these tests write to.
beforeAll(async () => void vi.stubEnv('TMPDIR', await mkdtemp(join(tmpdir(), 'upload-test-'))));
afterAll(async () => {
  await rm(tmpdir(), { recursive: true });
  vi.unstubAllEnvs();
});

/** The ids of the files in the spool. */
async function spooled(): Promise<string[]> {
  const paths = await readdir(tmpdir(), { recursive: true });
  return paths.flatMap((path) => path.split(sep)[1] ?? []);
}

async function untilSpooled(count: number): Promise<void> {
  while ((await spooled()).length !== count) await new Promise(setImmediate);
}

describe('POST /files', () => {
  it('stores a file: it is in the list, can be retrieved, and has the same bytes', async () => {
    const { upload, send, list, get } = await openWritable();
    const bytes = Buffer.from([0, 1, 13, 10, 45, 45, 255, 13, 10]);
    const { status, body } = await upload(bytes, { purpose: 'user_data' }, 'my file.bin');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'file',
      bytes: 9,
      purpose: 'user_data',
      filename: 'my file.bin',
      expires_at: null,
    });
    expect((await list<WireFile>('/files'))[0]).toEqual(body);
    expect((await send('GET', `/files/${body.id}`)).body).toEqual(body);
    const content = await get(`/files/${body.id}/content`);
    expect(Buffer.from(await content.arrayBuffer())).toEqual(bytes);
    expect(content.headers.get('content-disposition')).toBe('attachment; filename="my file.bin"');
  });

  it('stores a file until its expiry, which is 30 days for a batch', async () => {
    const { upload, send, clock } = await openWritable();
    const expiry = { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '3600' };
    const { body } = await upload('x', expiry);
    expect(body.expires_at).toBe(body.created_at + 3600);
    const { body: batch } = await upload('x', { purpose: 'batch' });
    expect(batch.expires_at).toBe(batch.created_at + 30 * 86_400);
    clock.advance(3_599_000);
    expect((await send('GET', `/files/${body.id}`)).status).toBe(200);
    clock.advance(1000);
    expect((await send('GET', `/files/${body.id}`)).status).toBe(404);
  });

  it.each([
    ['an unknown purpose', { purpose: 'x' }, /^'x' is not one of \['fine-tune', .* - 'purpose'$/, 'purpose'],
    [
      'an expiry below the minimum',
      { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '3599' },
      /3600/,
      'expires_after.seconds',
    ],
    [
      'an expiry above the maximum',
      { 'expires_after[anchor]': 'created_at', 'expires_after[seconds]': '2592001' },
      /2592000/,
      'expires_after.seconds',
    ],
    [
      'an unknown anchor of the expiry',
      { 'expires_after[anchor]': 'now' },
      /^'now' is not one of/,
      'expires_after.anchor',
    ],
    ['an unknown field', { color: 'red' }, /'color' was unexpected/, 'color'],
  ])('rejects %s, repeats the message in `detail`, and stores nothing', async (_, fields, message, param) => {
    const { upload, list } = await openWritable();
    const before = await list('/files');
    const { status, body } = await upload(lines(3), fields as Record<string, string>);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ type: 'invalid_request_error', param, message: expect.stringMatching(message) });
    expect(body.detail).toEqual({ message: body.error.message, code: null });
    expect(await list('/files')).toEqual(before);
    expect(await spooled()).toEqual([]);
  });

  it('rejects a form without file or purpose or with two files, and a body that is not a form', async () => {
    const { send } = await openWritable();
    const form = (...entries: [string, string | Blob][]) => {
      const data = new FormData();
      for (const [name, value] of entries) data.append(name, value);
      return data;
    };
    const file: [string, Blob] = ['file', new Blob(['x'])];
    const invalidForms = [
      form(['purpose', 'fine-tune']),
      form(file),
      form(file, file, ['purpose', 'fine-tune']),
      form(file, ['purpose', 'x'.repeat(5000)]),
      form(...Array.from({ length: 102 }, (): [string, string] => ['purpose', 'batch'])),
    ];
    for (const body of invalidForms) expect((await send('POST', '/files', body)).status).toBe(400);
    const asForm = { 'content-type': 'multipart/form-data; boundary=b' };
    for (const body of [
      '',
      'x',
      '--b',
      '--b\r\n\r\nx\r\n--b--',
      '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx',
    ])
      expect((await send('POST', '/files', body, asForm)).status).toBe(400);
    expect((await send('POST', '/files', '{}', { 'content-type': 'application/json' })).status).toBe(400);
  });

  it('stores the file name without its path, with any characters', async () => {
    const { upload } = await openWritable();
    const names = { 'a/b/../c.jsonl': 'c.jsonl', 'a"b\n.jsonl': 'a"b\n.jsonl', 'zürich 大.jsonl': 'zürich 大.jsonl' };
    for (const [sent, stored] of Object.entries(names))
      expect((await upload('x', {}, sent)).body.filename).toBe(stored);
  });

  it('rejects a file above a limit, keeps the connection usable, and frees the space of deleted files', async () => {
    const { upload, send } = await openWritable({ storage: { maxFileBytes: 100_000, maxStoredBytes: 150_000 } });
    expect((await upload(Buffer.alloc(100_001))).status).toBe(413);
    const { status, body } = await upload(Buffer.alloc(100_000));
    expect(status).toBe(200);
    expect((await upload(Buffer.alloc(50_001))).status).toBe(413);
    await send('DELETE', `/files/${body.id}`);
    expect((await upload(Buffer.alloc(50_001))).status).toBe(200);
  });

  it('stores nothing when the client closes the connection', async () => {
    const { baseUrl, list } = await openSandbox();
    const before = await list('/files');
    const headers = { authorization: 'Bearer any', 'content-type': 'multipart/form-data; boundary=b' };
    const sending = request(`${baseUrl}/files`, { method: 'POST', headers });
    const closed = new Promise((resolve) => sending.on('error', () => {}).on('close', resolve));
    sending.write('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of it');
    sending.write('x'.repeat(100_000));
    await untilSpooled(1);
    sending.destroy();
    await closed;
    await untilSpooled(0);
    expect(await list('/files')).toEqual(before);
  });

  it('stores a file until it is deleted, or until the sandbox is disposed', async () => {
    const { uploaded, send, dispose } = await openWritable();
    const [one, other] = [await uploaded(), await uploaded()];
    expect(await spooled()).toEqual(expect.arrayContaining([one.id, other.id]));
    expect((await send('DELETE', `/files/${one.id}`)).body).toEqual({ object: 'file', id: one.id, deleted: true });
    expect((await send('GET', `/files/${one.id}`)).status).toBe(404);
    expect(await spooled()).not.toContain(one.id);
    await dispose();
    expect(await spooled()).not.toContain(other.id);
  });
});

describe('DELETE /files/{id} of a training file', () => {
  it('fails a job that validates it with the recorded error, and no other job', async () => {
    const { uploaded, created, job, send, clock } = await openWritable();
    const { id: training_file } = await uploaded();
    const running = await created({ training_file });
    clock.advance(UNTIL_RUNNING);
    const validating = await created({ training_file });
    await send('DELETE', `/files/${training_file}`);
    expect(await job(validating.id)).toMatchObject({
      status: 'failed',
      finished_at: null,
      error: {
        code: 'deleted_training_file',
        param: 'training_file',
        message: 'The job failed because the training file was deleted',
      },
    });
    expect((await job(running.id)).status).toBe('running');
    expect((await send('DELETE', `/files/${training_file}`)).status).toBe(404);
  });
});

describe('readParts', () => {
  it('yields the same parts for any chunks of the body', async () => {
    const content = '\r\n--bo\r\n--b\r-\r\n\r\n';
    const head = (name: string) => `Content-Disposition: form-data; name="${name}"\r\n\r\n`;
    const body = Buffer.from(
      `before\r\n--bound\r\n${head('a')}${content}\r\n--bound\r\n${head('b')}\r\n--bound--\r\nafter`,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(body.length), { maxLength: 12 }), async (cuts) => {
        const offsets = [0, ...cuts.sort((a, b) => a - b), body.length];
        async function* chunks() {
          for (const [index, start] of offsets.slice(0, -1).entries()) yield body.subarray(start, offsets[index + 1]);
        }
        const parts = [];
        for await (const part of readParts(chunks(), 'bound'))
          parts.push([part.name, Buffer.concat(await Array.fromAsync(part.content)).toString()]);
        expect(parts).toEqual([
          ['a', content],
          ['b', ''],
        ]);
      }),
    );
  });
});

describe('readLines', () => {
  it('yields null for a line longer than 16 MiB, and continues with the next line', async () => {
    async function* chunks() {
      yield Buffer.from('{}\n');
      for (let count = 0; count < 40; count += 1) yield Buffer.alloc(2 ** 20, 'x');
      yield Buffer.from('\n[]');
    }
    expect(await Array.fromAsync(readLines(chunks()))).toEqual(['{}', null, '[]']);
  });
});
