import { createHash } from 'node:crypto';
import { ApolloClient, gql, HttpLink } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange, stringifyDocument } from '@urql/core';
import { print } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../docs/examples/apollo-cache.ts';
import { post } from '../kit/client/post.ts';
import { startGateway } from '../kit/gateway/gateway.ts';
import { makeFolder } from '../kit/process/folder.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

const VERSION = gql`query Version { gateway { version } }`;
const SANDBOX = gql`query Sandbox { gateway { isSandbox } }`;
const JOBS = gql`query Jobs($first: Int) { fineTuningJobs(first: $first) { edges { node { object } } } }`;
/** The text as Apollo Client prints it: its cache adds `__typename`. */
const SENT_SANDBOX = print(gql`query Sandbox { gateway { isSandbox __typename } }`);

const persistedQuery = (text: string) => ({ persistedQuery: { version: 1 as const, sha256Hash: hashOf(text) } });

async function start(settings: Record<string, string> = {}) {
  const gateway = await startGateway(settings);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

/** Settings that trust the document SANDBOX only. */
const trusting = (mode: 'log' | 'enforce') => ({
  TRUSTED_DOCUMENTS: `${makeFolder({ 'documents.json': JSON.stringify({ [hashOf(SENT_SANDBOX)]: SENT_SANDBOX }) })}/documents.json`,
  TRUSTED_DOCUMENTS_MODE: mode,
});

/** Apollo Client with persisted queries, and what it sent: the method, and whether the text was in it. */
function openApollo(url: string, useGETForHashedQueries: boolean) {
  const sent: string[] = [];
  const send: typeof fetch = (input, init) => {
    const hasText = /[?&]query=|"query":/.test(`${input} ${init?.body ?? ''}`);
    sent.push(`${init?.method} ${hasText ? 'text' : 'hash'}`);
    return fetch(input, init);
  };
  const persisted = new PersistedQueryLink({ sha256: hashOf, useGETForHashedQueries });
  const link = persisted.concat(new HttpLink({ uri: url, fetch: send }));
  const client = new ApolloClient({ link, cache: createCache() });
  onTestFinished(() => client.stop());
  return { client, sent };
}

describe.each([
  ['POST', false],
  ['GET', true],
])('Apollo Client with persisted queries by %s', (method, useGet) => {
  it('sends the text after one refused hash, and from then on', async () => {
    const { url } = await start();
    const { client, sent } = openApollo(url, useGet);
    expect((await client.query({ query: VERSION })).data).toMatchObject({ gateway: {} });
    expect((await client.query({ query: JOBS, variables: { first: 1 } })).data).toMatchObject({
      fineTuningJobs: { edges: [{}] },
    });
    expect(sent).toEqual([`${method} hash`, 'POST text', 'POST text']);
  });

  it('is served by the hash of a trusted document, and falls back for another one in the mode log', async () => {
    const { url } = await start(trusting('log'));
    const { client, sent } = openApollo(url, useGet);
    expect((await client.query({ query: SANDBOX })).data).toMatchObject({ gateway: { isSandbox: true } });
    expect((await client.query({ query: VERSION })).data).toMatchObject({ gateway: {} });
    expect(sent).toEqual([`${method} hash`, `${method} hash`, 'POST text']);
  });

  it('reports the refusal of an untrusted document, and sends it once', async () => {
    const { url } = await start(trusting('enforce'));
    const { client, sent } = openApollo(url, useGet);
    expect((await client.query({ query: SANDBOX })).data).toMatchObject({ gateway: { isSandbox: true } });
    await expect(client.query({ query: VERSION })).rejects.toMatchObject({
      statusCode: 403,
      bodyText: expect.stringMatching(/persistedQuery\.sha256Hash: is unknown.*DOCUMENT_NOT_TRUSTED/),
    });
    expect(sent).toEqual([`${method} hash`, `${method} hash`]);
  });
});

describe('other clients with persisted queries', () => {
  it('of Apollo over a WebSocket send the text with the hash, and get the result', async () => {
    const { url } = await start();
    const socket = createWsClient({ url: url.replace('http', 'ws') });
    const link = new PersistedQueryLink({ sha256: hashOf }).concat(new GraphQLWsLink(socket));
    const client = new ApolloClient({ link, cache: createCache() });
    expect((await client.query({ query: VERSION })).data).toMatchObject({ gateway: {} });
    client.stop();
    await socket.dispose();
  });

  it('of urql read the message by which its persistedExchange falls back', async () => {
    const { url } = await start();
    const query = 'query Version { gateway { version } }';
    const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
    const extensions = persistedQuery(query);
    const { error } = await client.executeQuery({ key: 1, query: VERSION, variables: {}, extensions }).toPromise();
    expect(error?.graphQLErrors.map(({ message }) => message)).toEqual(['PersistedQueryNotSupported']);
    expect((await client.query(stringifyDocument(VERSION), {})).data).toMatchObject({ gateway: {} });
  });

  it('of graphql-sse and graphql-ws get the error as a result', async () => {
    const { url } = await start();
    const error = {
      message: 'PersistedQueryNotSupported',
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
    };
    const request = { query: '', extensions: persistedQuery('{ __typename }') };
    const sse = createSseClient({ url, retryAttempts: 0 });
    expect((await sse.iterate(request).next()).value).toEqual({ errors: [error] });
    sse.dispose();
    const ws = createWsClient({ url: url.replace('http', 'ws'), retryAttempts: 0 });
    await expect(ws.iterate(request).next()).rejects.toEqual([error]);
    await ws.dispose();
  });
});

describe('the response to a hash without its text', () => {
  const params = { extensions: persistedQuery('{ __typename }') };

  it.each(['application/json', 'application/graphql-response+json'])(
    'has the status 200 as %s, as from Apollo Server',
    async (accept) => {
      const gateway = await start();
      const { status, headers, body } = await post(gateway.url, params, { accept });
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
        200,
        `${accept}; charset=utf-8`,
        'no-store',
      ]);
      expect(body.errors).toEqual([
        { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
      ]);
      expect(gateway.log).toContainEqual(
        expect.objectContaining({ msg: 'request', errorCodes: ['PERSISTED_QUERY_NOT_SUPPORTED'] }),
      );
    },
  );

  it('is 400 for an extension without a hash', async () => {
    const { url } = await start();
    const { status, body } = await post(url, { extensions: { persistedQuery: { version: 1 } } });
    expect([status, body.errors?.[0]?.message]).toEqual([400, expect.stringMatching(/^query: is missing/)]);
  });
});
