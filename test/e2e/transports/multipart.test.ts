import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const ACCEPT = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0",application/json;q=0.9';
const QUERY = 'subscription { changed(topic: "t") { n } }';

async function send(url: string, query: string, accept = ACCEPT): Promise<RawConnection> {
  const body = JSON.stringify({ query });
  const connection = await openRawConnection(url);
  connection.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\nConnection: close\r\n`);
  connection.write(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  return connection;
}

/** The body of a chunked response. */
const bodyOf = (text: string) =>
  text
    .slice(text.indexOf('\r\n\r\n') + 4)
    .replace(/[\da-f]+\r\n([\s\S]*?)\r\n(?=[\da-f]+\r\n)/g, '$1')
    .replace('0\r\n\r\n', '');
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;

describe("a subscription in Apollo's multipart format", () => {
  it('has parts with results, empty parts as heartbeats, and an end', async () => {
    await using live = await startSubscriptionServer();
    await using connection = await send(live.url, QUERY);
    await connection.receivedMatch(/content-type: multipart\/mixed; boundary="graphql"; subscriptionSpec="1.0"\r\n/i);
    await connection.receivedMatch(/cache-control: no-store, no-transform\r\n/i);
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    await until(() => live.topic('t').waits === 2);
    live.clock.advance(12_000);
    await connection.receivedMatch(/\{\}/);
    live.topic('t').end();
    const parts = [part('{"payload":{"data":{"changed":{"n":1}}}}'), part('{}')];
    expect(bodyOf(await connection.closed)).toBe(`\r\n--graphql${parts.join('')}--\r\n`);
  });

  it('works with Apollo Client', async () => {
    await using live = await startSubscriptionServer();
    const client = new ApolloClient({ link: new HttpLink({ uri: live.url }), cache: new InMemoryCache() });
    const results: unknown[] = [];
    const done = Promise.withResolvers<void>();
    client.subscribe({ query: gql(QUERY) }).subscribe({
      next: (result) => void results.push(result.error?.message ?? result.data),
      error: done.reject,
      complete: done.resolve,
    });
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    await until(() => live.topic('t').waits === 2 && results.length === 1);
    live.topic('t').fail(new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }));
    await done.promise;
    expect(results).toEqual([{ changed: { __typename: 'Change', n: 1 } }, 'No such job.']);
    client.stop();
  });

  it('has the errors of an invalid document as a result', async () => {
    await using live = await startSubscriptionServer();
    await using connection = await send(live.url, 'subscription { nothing }', 'multipart/mixed;subscriptionSpec="1.0"');
    expect(await connection.closed).toMatch(/"payload":\{"errors":\[.*GRAPHQL_VALIDATION_FAILED.*--graphql--\r\n$/s);
  });

  it('is not used for a query, which gets a JSON response', async () => {
    await using live = await startSubscriptionServer();
    const { headers, body } = await post(live.url, { query: '{ role }' }, { accept: ACCEPT });
    expect([headers.get('content-type'), body]).toEqual([
      'application/json; charset=utf-8',
      { data: { role: 'admin' } },
    ]);
  });

  it('is not used for other formats of multipart/mixed', async () => {
    await using live = await startSubscriptionServer();
    for (const accept of [
      'multipart/mixed',
      'multipart/mixed;deferSpec=20220824',
      'multipart/mixed;subscriptionSpec=2.0',
    ]) {
      expect((await post(live.url, { query: QUERY }, { accept })).status).toBe(406);
    }
  });

  it.each([
    ['multipart/mixed;subscriptionSpec=1.0;boundary=graphql', 'multipart/mixed'],
    ['multipart/mixed;subscriptionSpec="1.0";q=0.5, text/event-stream', 'text/event-stream'],
    ['text/event-stream;q=0.5, multipart/mixed;subscriptionSpec="1.0"', 'multipart/mixed'],
    ['text/event-stream, multipart/mixed', 'text/event-stream'],
    ['*/*', 'text/event-stream'],
  ])('is chosen by the preference of the client: %s', async (accept, type) => {
    await using live = await startSubscriptionServer();
    await using connection = await send(live.url, QUERY, accept);
    const [, contentType] = await connection.receivedMatch(/^content-type: ([^;]*);/im);
    expect(contentType).toBe(type);
  });
});
