import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import {
  BOUNDARY,
  chunkOf,
  FORM_END,
  type FormPart,
  filePart,
  formOf,
  headOf,
  partsOf,
  trainingLines,
  UPLOAD,
  unclosedForm,
} from '../../kit/client/upload.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';

const LINES = trainingLines(12);
const MIB = 1024 * 1024;
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
/** Number of forms that the upstream received completely. */
let completeForms = 0;
beforeAll(async () => {
  upstream = await startUpstream();
  upstream.on('/files', (request: import('node:http').IncomingMessage) => {
    request.resume().on('end', () => completeForms++);
  });
  gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', MAX_UPLOAD_MB: '1' });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Sends a request, and a second one on the same connection. Returns the first response; the second has to succeed. */
async function sendParts(...parts: readonly (string | Uint8Array)[]) {
  await using connection = await openRawConnection(gateway.url);
  connection.write(...parts, HEALTH);
  const [first, second, ...others] = parseResponses(await connection.closed);
  expect([second?.status, others]).toEqual([200, []]);
  const { errors } = JSON.parse(first?.body ?? '');
  return { status: first?.status, message: errors?.[0]?.message, code: errors?.[0]?.extensions?.code };
}

const send = (form: Uint8Array, headers = '') => sendParts(headOf(form.length, headers), form);

const [OPERATIONS, MAP] = partsOf();
const FILE = filePart(LINES);
const mapOf = (content: unknown): FormPart => ({
  name: 'map',
  content: typeof content === 'string' ? content : JSON.stringify(content),
});
const operationsOf = (params: unknown): FormPart => ({ name: 'operations', content: JSON.stringify(params) });
const withVariables = (variables: unknown) => operationsOf({ query: UPLOAD, variables });
const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times);

const EXPECTED = '; expected the parts operations, map and one file, in this order.';
const misplaced = (part: string, place: string) => `Form: has ${part} in the place of ${place}${EXPECTED}`;

describe('a form with other parts than those of the specification', () => {
  it.each<[string, FormPart[], string]>([
    ['the map first', [MAP, OPERATIONS, FILE], misplaced('the field "map"', 'the field "operations"')],
    ['the file first', [FILE, OPERATIONS, MAP], misplaced('the file "0"', 'the field "operations"')],
    ['the file before the map', [OPERATIONS, FILE, MAP], misplaced('the file "0"', 'the field "map"')],
    ['no operations', [MAP, FILE], misplaced('the field "map"', 'the field "operations"')],
    ['no map', [OPERATIONS, FILE], misplaced('the file "0"', 'the field "map"')],
    ['no file', [OPERATIONS, MAP], `Form: ends before the file "0"${EXPECTED}`],
    ['two maps', [OPERATIONS, MAP, MAP], misplaced('the field "map"', 'the file "0"')],
    ['two operations', [OPERATIONS, OPERATIONS, MAP], misplaced('the field "operations"', 'the field "map"')],
    ['a file of another name', [OPERATIONS, MAP, { ...FILE, name: '1' }], misplaced('the file "1"', 'the file "0"')],
    [
      'a field in the place of the file',
      [OPERATIONS, MAP, { name: '0', content: LINES }],
      misplaced('the field "0"', 'the file "0"'),
    ],
    [
      'operations in a file',
      [{ ...OPERATIONS, filename: 'a' }, MAP, FILE],
      misplaced('the file "operations"', 'the field "operations"'),
    ],
    [
      'a part without a disposition',
      [{ name: '', content: 'x', headers: 'X: y\r\n' }, MAP, FILE],
      misplaced('the field "map"', 'the field "operations"'),
    ],
    [
      'a part without a name',
      [{ name: '', content: 'x', headers: 'Content-Disposition: form-data\r\n' }, MAP],
      misplaced('the field ""', 'the field "operations"'),
    ],
  ])('is rejected: %s', async (_, parts, message) => {
    expect(await send(formOf(...parts))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
  });

  it.each<[string, FormPart[]]>([
    ['a field after the file', [OPERATIONS, MAP, FILE, { name: 'more', content: 'x' }]],
    ['a second file', [OPERATIONS, MAP, FILE, { ...FILE, name: '1' }]],
    ['an invalid part after the file', [OPERATIONS, MAP, FILE, { name: '', content: 'x', headers: 'X: y\r\n' }]],
    ['1,000 parts', [OPERATIONS, MAP, ...Array.from({ length: 1000 }, () => FILE)]],
    [
      '1,000 fields before all',
      [...Array.from({ length: 1000 }, () => ({ name: '', content: '', headers: 'X: y\r\n' })), OPERATIONS, MAP, FILE],
    ],
  ])('is rejected, and the upstream creates no file: %s', async (_, parts) => {
    const message = `Form: has more than 3 parts${EXPECTED}`;
    expect(await send(formOf(...parts))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
    expect(completeForms).toBe(0);
  });
});

const NOT_ONE_PATH = '; expected one file and one path, such as {"0": ["variables.input.file"]}.';
const notUpload = (path: string) => `map: ${path} is not a variable of the type Upload; expected its path.`;

describe('a map that does not map one file to one path', () => {
  it.each<[unknown, string]>([
    ['no JSON', 'map: is not valid JSON in UTF-8; expected an object such as {"0": ["variables.file"]}.'],
    [deep('[', ']', 100_000), 'map: exceeds the limit of 1000 nested lists and objects.'],
    ['null', `map: is not an object${NOT_ONE_PATH}`],
    [['variables.input.file'], `map: is not an object${NOT_ONE_PATH}`],
    [{}, `map: has 0 files${NOT_ONE_PATH}`],
    [{ 0: ['variables.input.file'], 1: ['variables.other'] }, `map: has 2 files${NOT_ONE_PATH}`],
    [{ 0: [] }, `map: has 0 paths for the file${NOT_ONE_PATH}`],
    [{ 0: ['variables.input.file', 'variables.input.file'] }, `map: has 2 paths for the file${NOT_ONE_PATH}`],
    [{ 0: 'variables.input.file' }, `map: has no list of paths${NOT_ONE_PATH}`],
    [{ 0: [null] }, `map: has a path that names no variable${NOT_ONE_PATH}`],
    [{ 0: ['variables'] }, `map: has a path that names no variable${NOT_ONE_PATH}`],
    [{ 0: ['0.variables.input.file'] }, `map: has a path that names no variable${NOT_ONE_PATH}`],
    [{ 0: ['query'] }, `map: has a path that names no variable${NOT_ONE_PATH}`],
    [{ 0: ['variables.input'] }, notUpload('"variables.input"')],
    [{ 0: ['variables.input.filename'] }, notUpload('"variables.input.filename"')],
    [{ 0: ['variables.input.file.name'] }, notUpload('"variables.input.file.name"')],
    [{ 0: ['variables.nothing'] }, notUpload('"variables.nothing"')],
    [{ 0: ['variables.__proto__.file'] }, notUpload('"variables.__proto__.file"')],
    [{ 0: ['variables.input.constructor'] }, notUpload('"variables.input.constructor"')],
    [{ 0: [`variables.${'x.'.repeat(100_000)}`] }, notUpload(`"variables.${'x.'.repeat(45)}..."`)],
  ])('%j is rejected', async (map, message) => {
    expect(await send(formOf(OPERATIONS, mapOf(map), FILE))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
  });
});

describe('operations that do not match the file', () => {
  it.each<[string, FormPart, number, RegExp]>([
    ['no JSON', { name: 'operations', content: '{' }, 400, /^operations: is not valid JSON in UTF-8; expected/],
    [
      'no UTF-8',
      { name: 'operations', content: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      /^operations: is not valid JSON in UTF-8; expected/,
    ],
    ['a batch', operationsOf([{ query: UPLOAD }]), 400, /batches are not supported/],
    [
      'deep JSON',
      { name: 'operations', content: deep('{"a":', '}', 10_000) },
      400,
      /^operations: exceeds the limit of 1000 nested lists/,
    ],
    ['no document', operationsOf({ variables: {} }), 400, /^query: is missing; expected/],
    [
      'no variables',
      operationsOf({ query: UPLOAD }),
      400,
      /^operations: "variables.input.file" is not null; expected null/,
    ],
    [
      'no member for the file',
      withVariables({ input: {} }),
      400,
      /^operations: "variables.input.file" is not null; expected null/,
    ],
    [
      'a string in the place of the file',
      withVariables({ input: { file: 'x' } }),
      400,
      /^operations: "variables.input.file" is not null/,
    ],
    [
      'an object in the place of the file',
      withVariables({ input: { file: {} } }),
      400,
      /^operations: "variables.input.file" is not null/,
    ],
    [
      'a string in the place of the input',
      withVariables({ input: 'x' }),
      400,
      /^operations: "variables.input.file" is not null/,
    ],
    [
      'deep variables',
      withVariables({ input: { file: null, a: JSON.parse(deep('[', ']', 60)) } }),
      413,
      /^variablesDepth/,
    ],
    [
      'a query without a file',
      operationsOf({ query: '{ __typename }', variables: { input: { file: null } } }),
      400,
      /^map: "variables.input.file" is not a variable of the type Upload/,
    ],
    ['an invalid document', operationsOf({ query: '{ nothing }' }), 200, /^Cannot query field "nothing"/],
    ['a document that is not GraphQL', operationsOf({ query: '{' }), 200, /^Syntax Error/],
    [
      'other members of the input',
      withVariables({ input: { file: null, more: 1 } }),
      200,
      /Expected value of type "UploadFileInput" not to include unknown field "more"/,
    ],
  ])('get an error: %s', async (_, operations, status, message) => {
    const response = await send(formOf(operations, MAP, FILE));
    expect(response).toMatchObject({ status, message: expect.stringMatching(message) });
    expect(completeForms).toBe(0);
  });
});

describe('a body that is not a form', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['binary', Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7919) % 256))],
    ['no closing boundary', unclosedForm(OPERATIONS, MAP, FILE)],
    ['an end in the head of a part', Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data`)],
    ['an end in the first part', unclosedForm(OPERATIONS)],
    ['boundaries of another form', Buffer.from(formOf(OPERATIONS, MAP, FILE).toString().replaceAll(BOUNDARY, 'other'))],
    ['bare line feeds', Buffer.from(formOf(OPERATIONS, MAP, FILE).toString().replaceAll('\r\n', '\n'))],
  ])('is rejected: %s', async (_, body) => {
    const message = `Form: is malformed, or ends without its closing boundary${EXPECTED}`;
    expect(await send(body)).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
    expect(completeForms).toBe(0);
  });

  it('is rejected: only its closing boundary', async () => {
    expect(await send(Buffer.from(FORM_END))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^Form: ends before the field "operations"/),
    });
  });

  it.each(['', '; boundary=', '; boundary=""', `; boundary=${'x'.repeat(71)}`, '; boundary="a\\"b"', '; boundary=ü'])(
    'is rejected without a valid boundary: %j',
    async (parameter) => {
      const form = formOf(OPERATIONS, MAP, FILE);
      const head = headOf(form.length).replace(`; boundary=${BOUNDARY}`, parameter);
      expect((await sendParts(head, form)).status).toBeGreaterThanOrEqual(400);
    },
  );
});

describe('a form above the limit', () => {
  const SMALLER_FILE = 'send a smaller file, or raise the setting, such as MAX_UPLOAD_MB=512';
  const oversized = Buffer.alloc(MIB + 1, 'x');
  it.each<[string, FormPart[], string]>([
    [
      'its operations',
      [{ name: 'operations', content: oversized }],
      'operations: exceeds the limit of 1048576 bytes; send less, and content of files only in the part of the file.',
    ],
    [
      'its map',
      [OPERATIONS, { name: 'map', content: oversized }],
      'map: exceeds the limit of 1048576 bytes; send less, and content of files only in the part of the file.',
    ],
    [
      'its file',
      [OPERATIONS, MAP, filePart(oversized)],
      `file: exceeds the limit of 1048576 bytes (MAX_UPLOAD_MB); ${SMALLER_FILE}.`,
    ],
    [
      'its file, by its Content-Length',
      [OPERATIONS, MAP, filePart(Buffer.alloc(4 * MIB))],
      `file: exceeds the limit of 1048576 bytes (MAX_UPLOAD_MB); ${SMALLER_FILE}.`,
    ],
    [
      'a part before its file',
      [{ name: '', content: Buffer.alloc(4 * MIB - 1000), headers: 'X: y\r\n' }, OPERATIONS],
      `file: exceeds the limit of 1048576 bytes (MAX_UPLOAD_MB); ${SMALLER_FILE}.`,
    ],
  ])('is rejected for %s, with a Content-Length and in chunks', async (_, parts, message) => {
    const form = formOf(...parts);
    expect(await send(form)).toEqual({ status: 413, message, code: 'BAD_REQUEST' });
    const chunks = Array.from({ length: Math.ceil(form.length / 50_000) }, (_, index) =>
      chunkOf(form.subarray(50_000 * index, 50_000 * (index + 1))),
    );
    const { status, message: chunkedMessage } = await sendParts(headOf(null), ...chunks, '0\r\n\r\n');
    expect([status, chunkedMessage]).toEqual([
      413,
      expect.stringMatching(/^(Body|file|operations|map): exceeds the limit of \d+ bytes/),
    ]);
    expect(completeForms).toBe(0);
  });

  it('is rejected for a part with headers of 200 KB, or with 1,000 headers', async () => {
    const disposition = 'Content-Disposition: form-data; name="operations"\r\n';
    for (const headers of [`X: ${'y'.repeat(200_000)}\r\n${disposition}`, 'X: y\r\n'.repeat(1000) + disposition]) {
      const operations = { ...OPERATIONS, headers };
      expect(await send(formOf(operations, MAP, FILE))).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    }
  });
});

describe('a form of another site', () => {
  it.each([
    ['GraphQL-Require-Preflight: 1\r\n', ''],
    ['GraphQL-Require-Preflight: 1\r\n', 'GraphQL-Require-Preflight:\r\n'],
  ])('is rejected without a header that forces a preflight', async (header, replacement) => {
    const form = formOf(OPERATIONS, MAP, FILE);
    const head = headOf(form.length).replace(header, replacement);
    expect(await sendParts(head, form)).toMatchObject({
      status: 415,
      message: expect.stringMatching(/^GraphQL-Require-Preflight: is missing; /),
    });
  });

  it.each([
    ['Origin: https://evil.example\r\n', 403],
    ['Content-Encoding: gzip\r\n', 415],
  ])('is rejected with %j before its body is read', async (header, status) => {
    await using connection = await openRawConnection(gateway.url);
    connection.write(headOf(1_000_000, header));
    const response = await connection.receivedMatch(/^HTTP\/1.1 (\d+)/);
    expect(Number(response[1])).toBe(status);
  });
});
