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
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

async function get({ url }: TestGateway, params: Record<string, string>) {
  const response = await fetch(`${url}?${new URLSearchParams(params)}`);
  return [response.status, await response.json()];
}

const EXECUTED = [200, { data: { gateway: { isSandbox: true } } }];
const REJECTED = [
  403,
  {
    errors: [
      {
        message: expect.stringMatching(/expected a document of the TRUSTED_DOCUMENTS file/),
        extensions: { code: 'DOCUMENT_NOT_TRUSTED' },
      },
    ],
  },
];

/** The forms in which clients send the hash of a document. */
const hashParamsOf = (hash: string): [form: string, params: object][] => [
  ['documentId', { documentId: hash }],
  ['documentId with a prefix', { documentId: `sha256:${hash}` }],
  ["Apollo's extension", { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }],
  ['documentId beside null', { documentId: hash, query: null }],
];

describe('a trusted document', () => {
  it.each(hashParamsOf(hashOf(SANDBOX)))('is executed by its hash: %s', async (_, params) => {
    await using gateway = await start();
    expect(await post(gateway, params)).toEqual(EXECUTED);
  });

  it('is executed by its hash in a URL', async () => {
    await using gateway = await start();
    expect(await get(gateway, { documentId: hashOf(SANDBOX) })).toEqual(EXECUTED);
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hashOf(SANDBOX) } });
    expect(await get(gateway, { extensions })).toEqual(EXECUTED);
  });

  it('is executed by its text', async () => {
    await using gateway = await start();
    expect(await post(gateway, { query: SANDBOX })).toEqual(EXECUTED);
  });

  it('accepts variables and an operation name', async () => {
    const text =
      'query A($first: Int) { fineTuningJobs(first: $first) { edges { node { object } } } } query B { __typename }';
    await using gateway = await start({}, { [hashOf(text)]: text });
    const result = await post(gateway, { documentId: hashOf(text), operationName: 'A', variables: { first: 2 } });
    const edge = { node: { object: 'FINE_TUNING_JOB' } };
    expect(result).toEqual([200, { data: { fineTuningJobs: { edges: [edge, edge] } } }]);
  });

  it('can be listed in a manifest of Apollo', async () => {
    const operations = [{ id: hashOf(SANDBOX), body: SANDBOX, name: 'Sandbox', type: 'query' }];
    await using gateway = await start({}, { format: 'apollo-persisted-query-manifest', version: 1, operations });
    expect(await post(gateway, { documentId: hashOf(SANDBOX) })).toEqual(EXECUTED);
  });
});

describe('an untrusted document', () => {
  it.each([
    ...hashParamsOf(hashOf(VERSION)),
    ['its text', { query: VERSION }],
    ['its text with the hash of a trusted one', { query: VERSION, documentId: hashOf(SANDBOX) }],
    ['the text of a trusted one and a space', { query: `${SANDBOX} ` }],
    ['an inherited member of objects', { documentId: '__proto__' }],
  ])('is rejected each time: %s', async (_, params) => {
    await using gateway = await start();
    expect(await post(gateway, params)).toEqual(REJECTED);
    expect(await post(gateway, params)).toEqual(REJECTED);
  });

  it('is rejected in a URL', async () => {
    await using gateway = await start();
    expect(await get(gateway, { query: VERSION })).toEqual(REJECTED);
  });

  it('is executed in the mode log, and logged once', async () => {
    await using gateway = await start({ TRUSTED_DOCUMENTS_MODE: 'log' });
    for (const variables of [{}, { a: 1 }]) {
      expect((await post(gateway, { query: VERSION, variables }))[0]).toBe(200);
      expect(await post(gateway, { query: SANDBOX, variables })).toEqual(EXECUTED);
    }
    expect((await get(gateway, { query: VERSION }))[0]).toBe(200);
    expect(gateway.log.filter(({ msg }) => msg === 'untrusted document')).toEqual([
      expect.objectContaining({ sha256: hashOf(VERSION), requestId: expect.any(String) }),
    ]);
    const NAMED = 'query Version { gateway { version } }';
    await post(gateway, { query: NAMED });
    expect(gateway.log.filter(({ sha256 }) => sha256 === hashOf(NAMED))).toEqual([
      expect.objectContaining({
        msg: 'untrusted document',
        operation: 'Version',
        hint: 'LOG_LEVEL=debug logs the text, once per document',
      }),
      expect.objectContaining({ level: 20, text: NAMED }),
    ]);
  });

  it('cannot be found by its hash in the mode log', async () => {
    await using gateway = await start({ TRUSTED_DOCUMENTS_MODE: 'log' });
    expect(await post(gateway, { documentId: hashOf(VERSION) })).toEqual(REJECTED);
  });

  it('needs its text when no documents are trusted', async () => {
    await using gateway = await startGateway();
    const message =
      'query: is missing; expected a GraphQL document, such as { gateway { version } }. A documentId alone needs TRUSTED_DOCUMENTS.';
    expect(await post(gateway, { documentId: hashOf(SANDBOX) })).toEqual([
      400,
      { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] },
    ]);
  });
});

describe('GraphiQL', () => {
  const statusOf = async ({ url }: TestGateway) => (await fetch(url, { headers: { accept: 'text/html' } })).status;

  it('is off by default when only trusted documents are allowed', async () => {
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
  const invalid = hashOf('{ nothing }');
  const unparsable = hashOf('{');

  it('can have the prefix and upper case in its keys', () => {
    expect(problemsIn({ [`sha256:${hashOf(SANDBOX)}`]: SANDBOX, [hashOf(VERSION).toUpperCase()]: VERSION })).toEqual(
      [],
    );
  });

  it('has all problems reported with their keys', () => {
    expect(
      problemsIn({ [hashOf(SANDBOX)]: VERSION, short: SANDBOX, [invalid]: '{ nothing }', [unparsable]: '{' }),
    ).toEqual([
      `TRUSTED_DOCUMENTS: the key "${hashOf(SANDBOX)}": expected the SHA-256 of its document, in hex`,
      'TRUSTED_DOCUMENTS: the key "short": expected the SHA-256 of its document, in hex',
      `TRUSTED_DOCUMENTS: the key "${invalid}": Cannot query field "nothing" on type "Query".`,
      `TRUSTED_DOCUMENTS: the key "${unparsable}": Syntax Error: Expected Name, found <EOF>.`,
    ]);
  });

  it.each([
    ['invalid JSON', '{', /^TRUSTED_DOCUMENTS: is not JSON; expected an object such as/],
    ['a list', [], /^TRUSTED_DOCUMENTS: has an unknown format; expected an object of documents/],
    ['documents that are not text', { a: 1 }, /expected an object of documents/],
    ['empty', {}, /^TRUSTED_DOCUMENTS: is empty; expected at least one document/],
  ])('must not be %s', (_, content, problem) => {
    expect(problemsIn(content)).toEqual([expect.stringMatching(problem)]);
  });

  it('must exist', () => {
    expect(problemsOf({ TRUSTED_DOCUMENTS: '/nowhere/documents.json' })).toEqual([
      expect.stringMatching(/^TRUSTED_DOCUMENTS: cannot be read; expected the path of a JSON file/),
    ]);
    expect(problemsOf({ TRUSTED_DOCUMENTS_MODE: 'log' })).toEqual([
      'TRUSTED_DOCUMENTS: is not set, but TRUSTED_DOCUMENTS_MODE is; expected the path of a file of documents, such as persisted.json.',
    ]);
  });
});
