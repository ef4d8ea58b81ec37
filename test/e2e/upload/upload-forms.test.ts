import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersIn, openWire } from '../../kit/client/raw-http.ts';
import {
  BOUNDARY,
  CLOSING,
  chunkOf,
  type FormPart,
  filePart,
  formOf,
  headOf,
  openForm,
  partsOf,
  trainingLines,
  UPLOAD,
} from '../../kit/client/upload.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';

const LINES = trainingLines(12);
const MIB = 1024 * 1024;
const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
/** How many forms have come upstream to their end. */
let whole = 0;
beforeAll(async () => {
  upstream = await startUpstream();
  upstream.on('/files', (request: import('node:http').IncomingMessage) => {
    request.resume().on('end', () => whole++);
  });
  gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', MAX_UPLOAD_MB: '1' });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Sends a request and then another on the same connection. Gives the first answer, if the second came as well. */
async function sendOn(...parts: readonly (string | Uint8Array)[]) {
  await using wire = await openWire(gateway.url);
  wire.write(...parts, HEALTH);
  const [first, second, ...more] = answersIn(await wire.closed);
  expect([second?.status, more]).toEqual([200, []]);
  const { errors } = JSON.parse(first?.body ?? '');
  return { status: first?.status, message: errors?.[0]?.message, code: errors?.[0]?.extensions?.code };
}

const send = (form: Uint8Array, headers = '') => sendOn(headOf(form.length, headers), form);

const [OPERATIONS, MAP] = partsOf();
const FILE = filePart(LINES);
const mapOf = (content: unknown): FormPart => ({
  name: 'map',
  content: typeof content === 'string' ? content : JSON.stringify(content),
});
const operationsOf = (params: unknown): FormPart => ({ name: 'operations', content: JSON.stringify(params) });
const withVariables = (variables: unknown) => operationsOf({ query: UPLOAD, variables });
const deep = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times);

const ORDER = 'The form: expected operations, map and one file, in this order, and here ';

describe('a form whose parts are not those of the specification', () => {
  it.each<[string, FormPart[], string]>([
    ['the map first', [MAP, OPERATIONS, FILE], `${ORDER}the field operations; got the field "map".`],
    ['the file first', [FILE, OPERATIONS, MAP], `${ORDER}the field operations; got the file "0".`],
    ['the file before the map', [OPERATIONS, FILE, MAP], `${ORDER}the field map; got the file "0".`],
    ['no operations', [MAP, FILE], `${ORDER}the field operations; got the field "map".`],
    ['no map', [OPERATIONS, FILE], `${ORDER}the field map; got the file "0".`],
    ['no file', [OPERATIONS, MAP], `${ORDER}the file "0" that map names; got its end.`],
    ['two maps', [OPERATIONS, MAP, MAP], `${ORDER}the file "0" that map names; got the field "map".`],
    ['two operations', [OPERATIONS, OPERATIONS, MAP], `${ORDER}the field map; got the field "operations".`],
    [
      'a file of another name',
      [OPERATIONS, MAP, { ...FILE, name: '1' }],
      `${ORDER}the file "0" that map names; got the file "1".`,
    ],
    [
      'a field in place of the file',
      [OPERATIONS, MAP, { name: '0', content: LINES }],
      `${ORDER}the file "0" that map names; got the field "0".`,
    ],
    [
      'operations in a file',
      [{ ...OPERATIONS, filename: 'a' }, MAP, FILE],
      `${ORDER}the field operations; got the file "operations".`,
    ],
    [
      'a part without a disposition',
      [{ name: '', content: 'x', headers: 'X: y\r\n' }, MAP, FILE],
      `${ORDER}the field operations; got the field "map".`,
    ],
    [
      'a part without a name',
      [{ name: '', content: 'x', headers: 'Content-Disposition: form-data\r\n' }, MAP],
      `${ORDER}the field operations; got the field "".`,
    ],
  ])('is refused, with %s', async (_, parts, message) => {
    expect(await send(formOf(...parts))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
  });

  it.each<[string, FormPart[]]>([
    ['a field behind the file', [OPERATIONS, MAP, FILE, { name: 'more', content: 'x' }]],
    ['a second file', [OPERATIONS, MAP, FILE, { ...FILE, name: '1' }]],
    [
      'a part behind the file that cannot be read',
      [OPERATIONS, MAP, FILE, { name: '', content: 'x', headers: 'X: y\r\n' }],
    ],
    ['1,000 parts', [OPERATIONS, MAP, ...Array.from({ length: 1000 }, () => FILE)]],
    [
      '1,000 fields before all',
      [...Array.from({ length: 1000 }, () => ({ name: '', content: '', headers: 'X: y\r\n' })), OPERATIONS, MAP, FILE],
    ],
  ])('is refused, with %s, and the upstream makes nothing of it', async (_, parts) => {
    const message = 'The form: expected at most 3 parts: operations, map and one file.';
    expect(await send(formOf(...parts))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
    expect(whole).toBe(0);
  });
});

describe('a map that does not lead one file to one place', () => {
  it.each<[unknown, string]>([
    ['no JSON', 'map: expected JSON in UTF-8.'],
    [deep('[', ']', 100_000), 'map: expected at most 1000 lists and objects inside one another.'],
    ['null', 'map: expected an object such as {"0": ["variables.input.file"]}.'],
    [['variables.input.file'], 'map: expected an object such as {"0": ["variables.input.file"]}.'],
    [{}, 'map: expected one file, got 0.'],
    [{ 0: ['variables.input.file'], 1: ['variables.other'] }, 'map: expected one file, got 2.'],
    [{ 0: [] }, 'map: expected one place for the file, in a list.'],
    [{ 0: ['variables.input.file', 'variables.input.file'] }, 'map: expected one place for the file, in a list.'],
    [{ 0: 'variables.input.file' }, 'map: expected one place for the file, in a list.'],
    [{ 0: [null] }, 'map: expected a place such as variables.input.file.'],
    [{ 0: ['variables'] }, 'map: expected a place such as variables.input.file.'],
    [{ 0: ['0.variables.input.file'] }, 'map: expected a place such as variables.input.file.'],
    [{ 0: ['query'] }, 'map: expected a place such as variables.input.file.'],
    [{ 0: ['variables.input'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: ['variables.input.filename'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: ['variables.input.file.name'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: ['variables.nothing'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: ['variables.__proto__.file'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: ['variables.input.constructor'] }, 'map: expected the place of a variable of the type Upload.'],
    [{ 0: [`variables.${'x.'.repeat(100_000)}`] }, 'map: expected the place of a variable of the type Upload.'],
  ])('%j is refused', async (map, message) => {
    expect(await send(formOf(OPERATIONS, mapOf(map), FILE))).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
  });
});

describe('operations that the file does not fit', () => {
  it.each<[string, FormPart, number, RegExp]>([
    ['no JSON', { name: 'operations', content: '{' }, 400, /^operations: expected JSON in UTF-8/],
    [
      'no UTF-8',
      { name: 'operations', content: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      /^operations: expected JSON in UTF-8/,
    ],
    ['a batch', operationsOf([{ query: UPLOAD }]), 400, /batches are not answered/],
    [
      'deep JSON',
      { name: 'operations', content: deep('{"a":', '}', 10_000) },
      400,
      /^operations: expected at most 1000 lists/,
    ],
    ['no document', operationsOf({ variables: {} }), 400, /^query: expected a string/],
    ['no variables', operationsOf({ query: UPLOAD }), 400, /^operations: expected null at variables.input.file/],
    ['no place', withVariables({ input: {} }), 400, /^operations: expected null at variables.input.file/],
    ['a text in the place', withVariables({ input: { file: 'x' } }), 400, /^operations: expected null at/],
    ['an object in the place', withVariables({ input: { file: {} } }), 400, /^operations: expected null at/],
    ['no object around it', withVariables({ input: 'x' }), 400, /^operations: expected null at/],
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
      /^map: expected the place of a variable of the type Upload/,
    ],
    ['a document with faults', operationsOf({ query: '{ nothing }' }), 200, /^Cannot query field "nothing"/],
    ['a document that is no GraphQL', operationsOf({ query: '{' }), 200, /^Syntax Error/],
    [
      'other members of the input',
      withVariables({ input: { file: null, more: 1 } }),
      200,
      /Expected value of type "UploadFileInput" not to include unknown field "more"/,
    ],
  ])('%s: told so', async (_, operations, status, message) => {
    const answer = await send(formOf(operations, MAP, FILE));
    expect(answer).toMatchObject({ status, message: expect.stringMatching(message) });
    expect(whole).toBe(0);
  });
});

describe('a body that is no form', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['binary', Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7919) % 256))],
    ['no last boundary', openForm(OPERATIONS, MAP, FILE)],
    ['an end in the head of a part', Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data`)],
    ['an end in the first part', openForm(OPERATIONS)],
    ['boundaries of another form', Buffer.from(formOf(OPERATIONS, MAP, FILE).toString().replaceAll(BOUNDARY, 'other'))],
    ['bare line feeds', Buffer.from(formOf(OPERATIONS, MAP, FILE).toString().replaceAll('\r\n', '\n'))],
  ])('%s: refused', async (_, body) => {
    const message = 'The form: expected its last boundary at its end.';
    expect(await send(body)).toEqual({ status: 400, message, code: 'BAD_REQUEST' });
    expect(whole).toBe(0);
  });

  it('only its last boundary: refused', async () => {
    expect(await send(Buffer.from(CLOSING))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/got its end/),
    });
  });

  it.each(['', '; boundary=', '; boundary=""', `; boundary=${'x'.repeat(71)}`, '; boundary="a\\"b"', '; boundary=ü'])(
    'without a boundary, %j: refused',
    async (parameter) => {
      const form = formOf(OPERATIONS, MAP, FILE);
      const head = headOf(form.length).replace(`; boundary=${BOUNDARY}`, parameter);
      expect((await sendOn(head, form)).status).toBeGreaterThanOrEqual(400);
    },
  );
});

describe('a form that is too long', () => {
  const tooLong = Buffer.alloc(MIB + 1, 'x');
  it.each<[string, FormPart[], string]>([
    ['its operations', [{ name: 'operations', content: tooLong }], 'operations: expected at most 1048576 bytes.'],
    ['its map', [OPERATIONS, { name: 'map', content: tooLong }], 'map: expected at most 1048576 bytes.'],
    ['its file', [OPERATIONS, MAP, filePart(tooLong)], 'The file: expected at most 1048576 bytes.'],
    [
      'its file, which is announced',
      [OPERATIONS, MAP, filePart(Buffer.alloc(4 * MIB))],
      'The file: expected at most 1048576 bytes.',
    ],
    [
      'what stands before it',
      [{ name: '', content: Buffer.alloc(4 * MIB - 1000), headers: 'X: y\r\n' }, OPERATIONS],
      'The file: expected at most 1048576 bytes.',
    ],
  ])('by %s is refused, whether its length is announced or not', async (_, parts, message) => {
    const form = formOf(...parts);
    expect(await send(form)).toEqual({ status: 413, message, code: 'BAD_REQUEST' });
    const chunks = Array.from({ length: Math.ceil(form.length / 50_000) }, (_, index) =>
      chunkOf(form.subarray(50_000 * index, 50_000 * (index + 1))),
    );
    const { status, message: told } = await sendOn(headOf(null), ...chunks, '0\r\n\r\n');
    expect([status, told]).toEqual([
      413,
      expect.stringMatching(/^(The body|The file|operations|map): expected at most/),
    ]);
    expect(whole).toBe(0);
  });

  it('by a part with headers of 200 KB, or 1,000 of them, is refused', async () => {
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
  ])('without a header that a browser asks for is refused', async (without, replacement) => {
    const form = formOf(OPERATIONS, MAP, FILE);
    const head = headOf(form.length).replace(without, replacement);
    expect(await sendOn(head, form)).toMatchObject({
      status: 415,
      message: expect.stringMatching(/with the header GraphQL-Require-Preflight/),
    });
  });

  it.each([
    ['Origin: https://evil.example\r\n', 403],
    ['Content-Encoding: gzip\r\n', 415],
  ])('with %j is refused before a byte of it is read', async (header, status) => {
    await using wire = await openWire(gateway.url);
    wire.write(headOf(1_000_000, header));
    const answer = await wire.said(/^HTTP\/1.1 (\d+)/);
    expect(Number(answer[1])).toBe(status);
  });
});
