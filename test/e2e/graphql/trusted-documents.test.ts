import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { makeFolder } from '../../kit/process/folder.ts';

const VERSION = 'query Version { gateway { version } }';
const SANDBOX = 'query Sandbox { gateway { isSandbox } }';
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

const writeFile = (content: unknown) =>
  `${makeFolder({ 'documents.json': typeof content === 'string' ? content : JSON.stringify(content) })}/documents.json`;
const start = (settings: Record<string, string> = {}, content: unknown = { [hashOf(SANDBOX)]: SANDBOX }) =>
  startGateway({ TRUSTED_DOCUMENTS: writeFile(content), ...settings });

async function post({ url }: TestGateway, body: object) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return [answer.status, await answer.json()];
}

async function get({ url }: TestGateway, params: Record<string, string>) {
  const answer = await fetch(`${url}?${new URLSearchParams(params)}`);
  return [answer.status, await answer.json()];
}

const ANSWERED = [200, { data: { gateway: { isSandbox: true } } }];
const REFUSED = [403, { errors: [{ message: expect.any(String), extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] }];

/** How clients name a document. */
const namesOf = (hash: string): [form: string, params: object][] => [
  ['documentId', { documentId: hash }],
  ['documentId with a prefix', { documentId: `sha256:${hash}` }],
  ["Apollo's extension", { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }],
  ['documentId beside null', { documentId: hash, query: null }],
];

describe('a trusted document', () => {
  it.each(namesOf(hashOf(SANDBOX)))('is answered by its name alone: %s', async (_, params) => {
    await using gateway = await start();
    expect(await post(gateway, params)).toEqual(ANSWERED);
  });

  it('is answered by its name in a URL', async () => {
    await using gateway = await start();
    expect(await get(gateway, { documentId: hashOf(SANDBOX) })).toEqual(ANSWERED);
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hashOf(SANDBOX) } });
    expect(await get(gateway, { extensions })).toEqual(ANSWERED);
  });

  it('is answered by its text', async () => {
    await using gateway = await start();
    expect(await post(gateway, { query: SANDBOX })).toEqual(ANSWERED);
  });

  it('takes variables and an operation as any other', async () => {
    const text =
      'query A($first: Int) { fineTuningJobs(first: $first) { edges { node { object } } } } query B { __typename }';
    await using gateway = await start({}, { [hashOf(text)]: text });
    const answer = await post(gateway, { documentId: hashOf(text), operationName: 'A', variables: { first: 2 } });
    const edge = { node: { object: 'FINE_TUNING_JOB' } };
    expect(answer).toEqual([200, { data: { fineTuningJobs: { edges: [edge, edge] } } }]);
  });

  it('may stand in a manifest as Apollo writes it', async () => {
    const operations = [{ id: hashOf(SANDBOX), body: SANDBOX, name: 'Sandbox', type: 'query' }];
    await using gateway = await start({}, { format: 'apollo-persisted-query-manifest', version: 1, operations });
    expect(await post(gateway, { documentId: hashOf(SANDBOX) })).toEqual(ANSWERED);
  });
});

describe('any other document', () => {
  it.each([
    ...namesOf(hashOf(VERSION)),
    ['its text', { query: VERSION }],
    ['its text under the name of a trusted one', { query: VERSION, documentId: hashOf(SANDBOX) }],
    ['the text of a trusted one and a space', { query: `${SANDBOX} ` }],
    ['the name of a member of every object', { documentId: '__proto__' }],
  ])('is refused, each time: %s', async (_, params) => {
    await using gateway = await start();
    expect(await post(gateway, params)).toEqual(REFUSED);
    expect(await post(gateway, params)).toEqual(REFUSED);
  });

  it('is refused in a URL', async () => {
    await using gateway = await start();
    expect(await get(gateway, { query: VERSION })).toEqual(REFUSED);
  });

  it('is answered in the mode log, and logged once', async () => {
    await using gateway = await start({ TRUSTED_DOCUMENTS_MODE: 'log' });
    for (const variables of [{}, { a: 1 }]) {
      expect((await post(gateway, { query: VERSION, variables }))[0]).toBe(200);
      expect(await post(gateway, { query: SANDBOX, variables })).toEqual(ANSWERED);
    }
    expect((await get(gateway, { query: VERSION }))[0]).toBe(200);
    expect(gateway.log.filter(({ msg }) => msg === 'document not trusted')).toEqual([
      expect.objectContaining({ sha256: hashOf(VERSION), requestId: expect.any(String) }),
    ]);
  });

  it('cannot be found by its name in the mode log either', async () => {
    await using gateway = await start({ TRUSTED_DOCUMENTS_MODE: 'log' });
    expect(await post(gateway, { documentId: hashOf(VERSION) })).toEqual(REFUSED);
  });

  it('needs its text where no documents are trusted', async () => {
    await using gateway = await startGateway();
    const message = 'query: expected a string.';
    expect(await post(gateway, { documentId: hashOf(SANDBOX) })).toEqual([
      400,
      { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] },
    ]);
  });
});

describe('GraphiQL', () => {
  const statusOf = async ({ url }: TestGateway) => (await fetch(url, { headers: { accept: 'text/html' } })).status;

  it('is off where documents have to be trusted, unless it is turned on', async () => {
    await using off = await start();
    expect(await statusOf(off)).not.toBe(200);
    await using on = await start({ GRAPHIQL: 'on' });
    expect(await statusOf(on)).toBe(200);
    await using logging = await start({ TRUSTED_DOCUMENTS_MODE: 'log' });
    expect(await statusOf(logging)).toBe(200);
  });
});

describe('the file', () => {
  const problemsIn = (content: unknown) => problemsOf({ TRUSTED_DOCUMENTS: writeFile(content) });
  const wrong = hashOf('{ nothing }');
  const broken = hashOf('{');

  it('may have the prefix and capitals in its keys', () => {
    expect(problemsIn({ [`sha256:${hashOf(SANDBOX)}`]: SANDBOX, [hashOf(VERSION).toUpperCase()]: VERSION })).toEqual(
      [],
    );
  });

  it('has all its faults named with their keys', () => {
    expect(problemsIn({ [hashOf(SANDBOX)]: VERSION, short: SANDBOX, [wrong]: '{ nothing }', [broken]: '{' })).toEqual([
      `TRUSTED_DOCUMENTS: the key "${hashOf(SANDBOX)}": expected the sha-256 of its document, in hex`,
      'TRUSTED_DOCUMENTS: the key "short": expected the sha-256 of its document, in hex',
      `TRUSTED_DOCUMENTS: the key "${wrong}": Cannot query field "nothing" on type "Query".`,
      `TRUSTED_DOCUMENTS: the key "${broken}": Syntax Error: Expected Name, found <EOF>.`,
    ]);
  });

  it.each([
    ['no JSON', '{', /is not a file of JSON/],
    ['a list', [], /is not an object of documents/],
    ['documents that are no text', { a: 1 }, /is not an object of documents/],
    ['nothing', {}, /expected at least one/],
  ])('must not be %s', (_, content, fault) => {
    expect(problemsIn(content)).toEqual([expect.stringMatching(fault)]);
  });

  it('must be there', () => {
    expect(problemsOf({ TRUSTED_DOCUMENTS: '/nowhere/documents.json' })).toEqual([
      'TRUSTED_DOCUMENTS: "/nowhere/documents.json" is not the path of a file that can be read, such as persisted.json.',
    ]);
    expect(problemsOf({ TRUSTED_DOCUMENTS_MODE: 'log' })).toEqual([
      'TRUSTED_DOCUMENTS: is not set, but TRUSTED_DOCUMENTS_MODE is; expected the path of a file of documents, such as persisted.json.',
    ]);
  });
});
