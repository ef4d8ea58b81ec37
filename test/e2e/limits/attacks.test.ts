import { execSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Force, postOf, startTarget, type Target } from '../../kit/attack/attack.ts';
import { BOMBS, CIRCLES, many } from '../../kit/attack/bombs.ts';
import { openWire } from '../../kit/client/raw-http.ts';
import { BOUNDARY, formOf, partsOf } from '../../kit/client/upload.ts';
import { mutationDocument } from '../../kit/mutation/examples.ts';
import { startScript } from '../../kit/process/process.ts';

// What each attack is answered in every form of it: attack-http, limit-attacks and slow-clients. Here each is made again
// and again against a process of its own, while somebody else asks; then nothing of it may be left.

const DESCRIPTORS = Number(execSync('ulimit -n', { encoding: 'utf8', shell: '/bin/sh' })) || Number.POSITIVE_INFINITY;
const MANY = Math.min(5000, Math.floor(DESCRIPTORS / 2) - 200);
const PATIENCE_MS = 120_000;

let target: Target;
beforeAll(async () => {
  target = await startTarget({ HEADERS_TIMEOUT_MS: '60000', ALLOW_MUTATIONS: 'on' }); // The silent may take their time to come in.
}, PATIENCE_MS);
afterAll(() => target[Symbol.asyncDispose]());

/** Sends these bytes, and expects what comes back until the connection is closed to be like this. */
async function expectAnswer(url: string, bytes: string | Uint8Array, expected: RegExp): Promise<void> {
  await using wire = await openWire(url);
  wire.write(bytes);
  expect(await wire.closed).toMatch(expected);
}

const asked = (query: string) => postOf(JSON.stringify({ query }));
const given = (members: string, query = '{ __typename }') => postOf(`{"query":"${query}",${members}}`);
const got = (target: string, headers = '') =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`;
const refused = (status: number | string) => new RegExp(`^HTTP/1.1 ${status} [^]*"code":"BAD_REQUEST"`);
const tooComplex = (limit: string) => new RegExp(`"code":"QUERY_TOO_COMPLEX","limit":"${limit}"`);
const invalid = /"code":"GRAPHQL_VALIDATION_FAILED"/;

/** The bytes of an attack, another one each time where it can be. */
type Attack = [name: string, bytes: (turn: number) => string | Uint8Array, expected: RegExp, force?: Force];

const SMALL: Force = { atOnce: 30 };
const LARGE: Force = { atOnce: 3 };
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const huge = Buffer.from(asked(`{ __typename } # ${'x'.repeat(10_000_000)}`));
const faults = many(200, (i) => `f${i}`);
const lists = Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`v${i}`, []]))));

const DOCUMENTS: Attack[] = [
  ...BOMBS.map(([name, query]): Attack => [name, (turn) => asked(`${query} # ${turn}`), /"QUERY_TOO_COMPLEX"/]),
  ...CIRCLES.map(
    ([through, query]): Attack => [
      `fragments in circles through ${through}`,
      (turn) => asked(`${query} # ${turn}`),
      /within itself/,
    ],
  ),
  ['queries of 10 MB', () => huge, /^$|^HTTP\/1.1 413 /, LARGE],
  ['lists that the parser cannot follow', (n) => asked(`{ a${n}(a: ${'['.repeat(900_000)}`), /TOO_COMPLEX/, LARGE],
  ['names without end', (n) => asked(`{ a${n}${'x'.repeat(900_000)} }`), invalid, LARGE],
  ['lines without end', (n) => asked(`${'\n'.repeat(500_000)} { a${n} ${faults} }`), tooComplex('lines'), LARGE],
  ['faults without end', (n) => asked(`query ${'x'.repeat(900_000)} { gateway { a${n} ${faults} } }`), invalid, LARGE],
];

const OF_CONSTRUCTOR = 'query ($constructor: ID!) { fineTuningJob(id: $constructor) { id } }';

const VALUES: Attack[] = [
  ['deep variables', (n) => given(`"variables":{"v${n}":${deep(400)}}`), tooComplex('variablesDepth')],
  ['variables by the ten thousand', () => given(`"variables":${lists}`), tooComplex('variables'), LARGE],
  [
    'variables that would change what all objects have',
    (n) => given(`"variables":{"constructor":"ftjob-1","__proto__":{"constructor":"x","id":${n}}}`, OF_CONSTRUCTOR),
    /"data":\{"fineTuningJob":\{"id":"ftjob-1"\}\}/,
    SMALL,
  ],
  ['JSON of 1,000,000 arrays inside one another', () => postOf(deep(1_000_000)), refused(413), LARGE],
  ['JSON of 1,000,000 arrays that nobody closes', () => postOf('['.repeat(1_000_000)), refused(400), LARGE],
  ['JSON of 500,000 arrays beside a query', () => given(`"extensions":{"a":${deep(500_000)}}`), refused(400), LARGE],
  ['arrays of queries', () => postOf(JSON.stringify(Array(1000).fill({ query: '{ __typename }' }))), refused(400)],
];

const wished = (mutation: string, input: object) =>
  postOf(JSON.stringify({ query: mutationDocument(mutation), variables: { input } }));
const NOBODYS = { modelId: '..', trainingFileId: '%', seed: -1 };
const doubled = Array.from({ length: 3000 }, () => ({ key: 'a', value: '' }));
const python = { grader: { python: { name: '', source: '' } } };
const graders = (n: number) => Array.from({ length: 1000 }, (_, i) => ({ name: `g${n} ${i % 500}`, ...python }));
const multi = (n: number) => ({ multi: { name: '', calculateOutput: '', graders: graders(n) } });
const form = (n: number) =>
  formOf(...partsOf(), { name: '0', filename: `${n}.jsonl`, content: 'x'.repeat(100_000) }).toString();
const FORM_TYPE = `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n`;

const CHANGES: Attack[] = [
  [
    'changes by the thousand',
    (n) =>
      asked(`mutation { ${many(1000, (i) => `m${i}: deleteFile(input: { fileId: "${n}-${i}" }) { __typename }`)} }`),
    /"code":"QUERY_TOO_COMPLEX"/,
  ],
  [
    'jobs that are wrong in 3,000 places',
    () => wished('createFineTuningJob', { ...NOBODYS, metadata: doubled }),
    /"InvalidInputError"/,
  ],
  [
    'graders that are wrong in 2,500 places',
    (n) => wished('validateGrader', { grader: multi(n) }),
    /"InvalidInputError"/,
  ],
  ['deletions of what is not there', (n) => wished('deleteFile', { fileId: `file-${n}` }), /"NotFoundError"/, SMALL],
  ['forms with files of other sites', (n) => postOf(form(n), FORM_TYPE), refused(415), SMALL],
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
  ['mutations by GET', (n) => got(`/graphql?query=${MUTATION}&n=${n}`), refused(405), SMALL],
  ['forms of other sites', () => postOf('query=%7B__typename%7D', FORM), refused(415), SMALL],
  ['text of other sites', () => postOf(BODY, 'Content-Type: text/plain\r\n'), refused(415), SMALL],
  ['images of other sites', () => got('/graphql?query={__typename}', IMAGE), refused(403), SMALL],
  [
    'names of others that lead here',
    (n) => got('/graphql').replace('localhost', `evil-${n}.example`),
    refused(421),
    SMALL,
  ],
  ['two lengths', (n) => raw(`Content-Length: 26\r\nContent-Length: ${n}\r\n`, BODY), refused(400), SMALL],
  ['folded headers', (n) => got('/health', `X-A: ${n}\r\n 2\r\n`), refused(400), SMALL],
  ['codings in doubt', (n) => raw(`${CODINGS[n % CODINGS.length]}\r\n`, CHUNKS), refused('(400|501)'), SMALL],
  ['headers without end', (n) => got('/health', `X-A: ${n}${'a'.repeat(100_000)}\r\n`), refused(431), SMALL],
];

describe('others are answered during, and nothing is left of', { timeout: PATIENCE_MS }, () => {
  it.each([...DOCUMENTS, ...VALUES, ...CHANGES, ...REQUESTS])('%s', async (_, bytes, expected, force) => {
    await target.survives((turn) => expectAnswer(target.url, bytes(turn), expected), force);
  });

  it.each([
    ['headers', 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-A: '],
    ['bodies', raw('Content-Length: 1000\r\n', '{"query":')],
  ])('%s that come too slowly', async (_, bytes) => {
    await using hasty = await startTarget({ HEADERS_TIMEOUT_MS: '500', BODY_TIMEOUT_MS: '500' });
    await hasty.survives(() => expectAnswer(hasty.url, bytes, refused(408)), { atOnce: 100 });
  });

  it(`${MANY} connections that say nothing`, async () => {
    const silence = async () => {
      await using clients = startScript('test/kit/attack/idle-clients.ts', [new URL(target.url).port, String(MANY)]);
      await clients.said(/^open /m);
      await vi.waitFor(async () => expect(await target.sockets()).toBeGreaterThanOrEqual(MANY), PATIENCE_MS);
      await expectAnswer(target.url, postOf(BODY), /"data"/);
    };
    await target.survives(silence, { atOnce: 1, rounds: 3 });
  });
});
