import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import {
  BOUNDARY,
  chunkOf,
  filePart,
  formOf,
  headOf,
  partsOf,
  trainingLines,
  unclosedForm,
  upload,
} from '../../kit/client/upload.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const MIB = 1024 * 1024;
const LINES = trainingLines(12);
const [LINE = ''] = LINES.split('\n');

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const nestedLine = `{"messages":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`;
const binary = Buffer.from(Array.from({ length: 3 * MIB }, (_, index) => (index * index) % 256));

describe('a training file', () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, object]>([
    [
      'of zero bytes',
      '',
      {
        exampleCount: 0,
        errorCount: 1,
        issues: [{ line: null, message: 'is empty; expected a file with at least one example' }],
      },
    ],
    ['of binary data', binary, { format: null, isComplete: true }],
    [
      'of invalid UTF-8',
      Buffer.concat([Buffer.from(LINES), Buffer.from([0x22, 0xff, 0x22])]),
      { issues: [{ line: 13, message: 'is not UTF-8; expected JSON in UTF-8' }] },
    ],
    ['of nested JSON', nestedLine + LINES, { errorCount: 1, exampleCount: 13 }],
    [
      'of one line of 9 MiB',
      'x'.repeat(9 * MIB),
      {
        exampleCount: 1,
        longestExample: 9 * MIB,
        issues: [{ line: 1, message: 'is too long; expected a line of at most 8388608 bytes' }, {}],
      },
    ],
    [
      'of two formats',
      `${LINES}{"prompt":"a","completion":"b"}\n`,
      { errorCount: 1, format: null, issues: [{ line: 13 }] },
    ],
  ])('%s is rejected', async (_, content, report) => {
    const { outcome } = await upload(gateway.url, content);
    expect(outcome).toMatchObject({ __typename: 'InvalidTrainingFileError', invalid: report });
  });

  it.each<[string, string, object]>([
    ['with a byte order mark', `\uFEFF${LINES}`, { exampleCount: 12, issues: [{ line: 1, severity: 'WARNING' }] }],
    [
      'with line ends of Windows',
      LINES.replaceAll('\n', '\r\n'),
      { exampleCount: 12, issues: [], longestExample: LINE.length + 1 },
    ],
    ['without a final line end', LINES.slice(0, -1), { exampleCount: 12, issues: [] }],
    ['with an empty line', `${LINES}\n`, { exampleCount: 12, issues: [{ line: 13, severity: 'WARNING' }] }],
    ['with too few examples', `${LINE}\n`, { exampleCount: 1, issues: [{ line: null, severity: 'WARNING' }] }],
  ])('%s is created, and reported', async (_, content, report) => {
    const { outcome } = await upload(gateway.url, content);
    expect(outcome).toMatchObject({
      __typename: 'UploadFileSuccess',
      file: { bytes: Buffer.byteLength(content) },
      report: { errorCount: 0, ...report },
    });
  });

  it('of one endless line is rejected before all of it is sent', async () => {
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(null), chunkOf(unclosedForm(...partsOf(), filePart(''))));
    const responded = connection.receivedMatch(/^HTTP\/1.1 200.*"isComplete":false/s);
    const chunk = chunkOf(Buffer.alloc(MIB, 'x'));
    let sent = 0;
    let isDone = false;
    void responded.then(() => {
      isDone = true;
    });
    for (; !isDone && sent < 600; sent++) {
      connection.write(chunk);
      await connection.drained();
    }
    await responded;
    expect(sent).toBeLessThan(60); // Of 600.
  });
});

describe('any other file', () => {
  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ['of zero bytes', Buffer.alloc(0)],
    ['of binary data', binary],
    [
      'of text that resembles boundaries',
      Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n--\r\n--${BOUNDARY}`.slice(0, -1).repeat(10_000)),
    ],
  ])('%s is passed on unchanged, for any sizes of chunks', async (_, content) => {
    await using upstream = await startUpstream();
    const hashes: string[] = [];
    upstream.on('/files', async (request: IncomingMessage, response: Parameters<typeof writeResponse>[0]) => {
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const form = await new Response(await buffer(request), { headers }).formData();
      hashes.push(hashOf(Buffer.from(await (form.get('file') as File).arrayBuffer()))); // A part with a filename.
      writeResponse(response, 200, fileBody('file-1'));
    });
    await using own = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on' });
    const form = formOf(...partsOf({ purpose: 'ASSISTANTS' }), filePart(content));
    for (const size of [form.length, 4093, 65_536]) {
      await using connection = await openRawConnection(own.url);
      connection.write(headOf(form.length, 'Connection: close\r\n'));
      for (let at = 0; at < form.length; at += size) connection.write(form.subarray(at, at + size));
      expect(parseResponses(await connection.closed)[0]?.body).toContain('UploadFileSuccess');
    }
    expect(hashes).toEqual(Array.from({ length: 3 }, () => hashOf(content)));
  });
});

const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

describe('a filename', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\\\data\\\\a.jsonl', 'a.jsonl'],
    ['a\\"b.jsonl', 'a_b.jsonl'],
    ['a%22b%0D%0AX: y.jsonl', 'a_b__X: y.jsonl'],
    ['', 'upload'],
    [`${'x'.repeat(10_000)}.jsonl`, `${'x'.repeat(194)}.jsonl`],
    ['数据.jsonl', '数据.jsonl'],
  ])('%j is sent as %j', async (original, filename) => {
    const form = formOf(...partsOf(), filePart(LINES, original));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length, 'Connection: close\r\n'), form);
    const body = JSON.parse(Buffer.from(parseResponses(await connection.closed)[0]?.body ?? '', 'latin1').toString());
    expect(body.data.uploadFile).toMatchObject({ file: { filename } });
  });

  it('with a line feed is rejected', async () => {
    const form = formOf(...partsOf(), filePart(LINES, 'a\nb.jsonl'));
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(form.length, 'Connection: close\r\n'), form);
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([400]);
  });
});
