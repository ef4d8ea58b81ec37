import { execSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AttackedGateway, type AttackOptions, rawPost, startAttackedGateway } from '../../kit/attack/attack.ts';
import { BOMBS, CIRCLES, many } from '../../kit/attack/bombs.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { BOUNDARY, formOf, partsOf } from '../../kit/client/upload.ts';
import { closeFrame, fragments, frame, handshake, INIT } from '../../kit/client/ws-frames.ts';
import { mutationDocument } from '../../kit/mutation/examples.ts';
import { startScript } from '../../kit/process/process.ts';

// http-attacks, limit-attacks and slow-clients test the response to every form of an attack. Here each attack is repeated
// against a separate process while another caller sends queries. Then no memory and no connection may be left.

const DESCRIPTORS = Number(execSync('ulimit -n', { encoding: 'utf8', shell: '/bin/sh' })) || Number.POSITIVE_INFINITY;
const MANY = Math.min(5000, Math.floor(DESCRIPTORS / 2) - 200);
const TIMEOUT_MS = 120_000;

let attacked: AttackedGateway;
beforeAll(async () => {
  attacked = await startAttackedGateway({ HEADERS_TIMEOUT_MS: '60000', ALLOW_MUTATIONS: 'on' }); // Long enough to open all idle connections.
}, TIMEOUT_MS);
afterAll(() => attacked[Symbol.asyncDispose]());

/** Sends these bytes, and expects the received text to match once the connection is closed. */
async function expectResponse(url: string, bytes: string | Uint8Array, expected: RegExp): Promise<void> {
  await using connection = await openRawConnection(url);
  connection.write(bytes);
  expect(await connection.closed).toMatch(expected);
}

const postQuery = (query: string) => rawPost(JSON.stringify({ query }));
const postMembers = (members: string, query = '{ __typename }') => rawPost(`{"query":"${query}",${members}}`);
const getTarget = (target: string, headers = '') =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`;
const rejected = (status: number | string) => new RegExp(`^HTTP/1.1 ${status} [^]*"code":"BAD_REQUEST"`);
const tooComplex = (limit: string) => new RegExp(`"code":"QUERY_TOO_COMPLEX","limit":"${limit}"`);
const invalid = /"code":"GRAPHQL_VALIDATION_FAILED"/;

/** The bytes of an attack, different in each turn where possible. */
type Attack = [name: string, bytes: (turn: number) => string | Uint8Array, expected: RegExp, options?: AttackOptions];

const SMALL: AttackOptions = { atOnce: 30 };
const LARGE: AttackOptions = { atOnce: 3 };
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const huge = Buffer.from(postQuery(`{ __typename } # ${'x'.repeat(10_000_000)}`));
const unknownFields = many(200, (i) => `f${i}`);
const lists = Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`v${i}`, []]))));

const DOCUMENTS: Attack[] = [
  ...BOMBS.map(([name, query]): Attack => [name, (turn) => postQuery(`${query} # ${turn}`), /"QUERY_TOO_COMPLEX"/]),
  ...CIRCLES.map(
    ([through, query]): Attack => [
      `circular fragments through ${through}`,
      (turn) => postQuery(`${query} # ${turn}`),
      /within itself/,
    ],
  ),
  ['queries of 10 MB', () => huge, /^$|^HTTP\/1.1 413 /, LARGE],
  [
    'nested lists that exhaust the stack of the parser',
    (n) => postQuery(`{ a${n}(a: ${'['.repeat(900_000)}`),
    /TOO_COMPLEX/,
    LARGE,
  ],
  ['names of 900,000 characters', (n) => postQuery(`{ a${n}${'x'.repeat(900_000)} }`), invalid, LARGE],
  ['500,000 lines', (n) => postQuery(`${'\n'.repeat(500_000)} { a${n} ${unknownFields} }`), tooComplex('lines'), LARGE],
  [
    'hundreds of errors with a long name',
    (n) => postQuery(`query ${'x'.repeat(900_000)} { gateway { a${n} ${unknownFields} } }`),
    invalid,
    LARGE,
  ],
];

const CONSTRUCTOR_VARIABLE = 'query ($constructor: ID!) { fineTuningJob(id: $constructor) { id } }';

const VALUES: Attack[] = [
  ['nested variables', (n) => postMembers(`"variables":{"v${n}":${deep(400)}}`), tooComplex('variablesDepth')],
  ['tens of thousands of variables', () => postMembers(`"variables":${lists}`), tooComplex('variables'), LARGE],
  [
    'variables that could change inherited members of objects',
    (n) =>
      postMembers(
        `"variables":{"constructor":"ftjob-1","__proto__":{"constructor":"x","id":${n}}}`,
        CONSTRUCTOR_VARIABLE,
      ),
    /"data":\{"fineTuningJob":\{"id":"ftjob-1"\}\}/,
    SMALL,
  ],
  ['JSON of 1,000,000 nested arrays', () => rawPost(deep(1_000_000)), rejected(413), LARGE],
  ['JSON of 1,000,000 unclosed arrays', () => rawPost('['.repeat(1_000_000)), rejected(400), LARGE],
  [
    'JSON of 500,000 nested arrays beside a query',
    () => postMembers(`"extensions":{"a":${deep(500_000)}}`),
    rejected(400),
    LARGE,
  ],
  ['batches of queries', () => rawPost(JSON.stringify(Array(1000).fill({ query: '{ __typename }' }))), rejected(400)],
];

const postMutation = (mutation: string, input: object) =>
  rawPost(JSON.stringify({ query: mutationDocument(mutation), variables: { input } }));
const INVALID_INPUT = { modelId: '..', trainingFileId: '%', seed: -1 };
const duplicateMetadata = Array.from({ length: 3000 }, () => ({ key: 'a', value: '' }));
const python = { grader: { python: { name: '', source: '' } } };
const graders = (n: number) => Array.from({ length: 1000 }, (_, i) => ({ name: `g${n} ${i % 500}`, ...python }));
const multi = (n: number) => ({ multi: { name: '', calculateOutput: '', graders: graders(n) } });
const form = (n: number) =>
  formOf(...partsOf(), { name: '0', filename: `${n}.jsonl`, content: 'x'.repeat(100_000) }).toString();
const FORM_TYPE = `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n`;

const MUTATIONS: Attack[] = [
  [
    '1000 mutations in one request',
    (n) =>
      postQuery(
        `mutation { ${many(1000, (i) => `m${i}: deleteFile(input: { fileId: "${n}-${i}" }) { __typename }`)} }`,
      ),
    /"code":"QUERY_TOO_COMPLEX"/,
  ],
  [
    'jobs with 3,000 invalid members',
    () => postMutation('createFineTuningJob', { ...INVALID_INPUT, metadata: duplicateMetadata }),
    /"InvalidInputError"/,
  ],
  [
    'graders with 2,500 invalid members',
    (n) => postMutation('validateGrader', { grader: multi(n) }),
    /"InvalidInputError"/,
  ],
  ['deletions of unknown files', (n) => postMutation('deleteFile', { fileId: `file-${n}` }), /"NotFoundError"/, SMALL],
  ['forms with files of other sites', (n) => rawPost(form(n), FORM_TYPE), rejected(415), SMALL],
];

const MUTATION = encodeURIComponent('mutation { __typename }');
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';
const IMAGE = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n';
const BODY = '{"query":"{ __typename }"}';
const CHUNKS = `1a\r\n${BODY}\r\n0\r\n\r\n`;
const raw = (headers: string, body = '') =>
  `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
const CODINGS = [
  'Content-Length: 26\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 26',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: gzip, chunked',
];

const REQUESTS: Attack[] = [
  ['mutations by GET', (n) => getTarget(`/graphql?query=${MUTATION}&n=${n}`), rejected(405), SMALL],
  ['forms of other sites', () => rawPost('query=%7B__typename%7D', FORM), rejected(415), SMALL],
  ['text of other sites', () => rawPost(BODY, 'Content-Type: text/plain\r\n'), rejected(415), SMALL],
  ['images of other sites', () => getTarget('/graphql?query={__typename}', IMAGE), rejected(403), SMALL],
  ['foreign hosts', (n) => getTarget('/graphql').replace('localhost', `evil-${n}.example`), rejected(421), SMALL],
  ['two lengths', (n) => raw(`Content-Length: 26\r\nContent-Length: ${n}\r\n`, BODY), rejected(400), SMALL],
  ['folded headers', (n) => getTarget('/health', `X-A: ${n}\r\n 2\r\n`), rejected(400), SMALL],
  [
    'ambiguous transfer codings',
    (n) => raw(`${CODINGS[n % CODINGS.length]}\r\n`, CHUNKS),
    rejected('(400|501)'),
    SMALL,
  ],
  [
    'headers of 100,000 bytes',
    (n) => getTarget('/health', `X-A: ${n}${'a'.repeat(100_000)}\r\n`),
    rejected(431),
    SMALL,
  ],
];

const PINGS = Buffer.concat([Buffer.from(handshake()), INIT, ...Array<Buffer>(200_000).fill(frame('ping'))]);
const FRAGMENTS = Buffer.concat([Buffer.from(handshake()), fragments('x'.repeat(16_000))]);

const WEBSOCKETS: Attack[] = [
  [
    'WebSockets with a million bytes of pings, or with 16,000 fragments before connection_init',
    (n) => (n % 2 ? PINGS : FRAGMENTS),
    closeFrame(1008, 1009),
    SMALL,
  ],
];

describe('other callers get responses during, and nothing is left of,', { timeout: TIMEOUT_MS }, () => {
  it.each([...DOCUMENTS, ...VALUES, ...MUTATIONS, ...REQUESTS, ...WEBSOCKETS])(
    '%s',
    async (_, bytes, expected, options) => {
      await attacked.withstands((turn) => expectResponse(attacked.url, bytes(turn), expected), options);
    },
  );

  // Each has a gateway of its own, and waits most of the time.
  it.concurrent.each([
    ['headers', 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-A: '],
    ['bodies', raw('Content-Length: 1000\r\n', '{"query":')],
  ])('%s that arrive too slowly', async (_, bytes) => {
    await using impatient = await startAttackedGateway({ HEADERS_TIMEOUT_MS: '2000', BODY_TIMEOUT_MS: '2000' });
    await impatient.withstands(() => expectResponse(impatient.url, bytes, rejected(408)), { atOnce: 100 });
  });

  it(`${MANY} idle connections`, async () => {
    const openIdleConnections = async () => {
      await using clients = startScript('test/kit/attack/idle-clients.ts', [new URL(attacked.url).port, String(MANY)]);
      await clients.waitForOutput(/^open /m);
      await vi.waitFor(async () => expect(await attacked.connections()).toBeGreaterThanOrEqual(MANY), TIMEOUT_MS);
      await expectResponse(attacked.url, rawPost(BODY), /"data"/);
    };
    await attacked.withstands(openIdleConnections, { atOnce: 1 });
  });
});
