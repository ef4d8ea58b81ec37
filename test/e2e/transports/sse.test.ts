import { GraphQLError } from 'graphql';
import { createClient } from 'graphql-sse';
import { describe, expect, it } from 'vitest';
import { openSse } from '../../kit/client/sse.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const CHANGED = { query: 'subscription S { changed(topic: "t") { n } }' };
const result = (n: number) => ({ data: { changed: { n } } });

describe('a subscription over server-sent events', () => {
  it('opens at once, sends each result and then `complete`', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, CHANGED);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(stream.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(stream.headers.get('x-accel-buffering')).toBe('no');
    expect(await stream.next()).toEqual({ event: ':', data: '' });
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect(await stream.next()).toEqual({ event: 'next', data: JSON.stringify(result(1)) });
    await until(() => live.topic('t').waits === 2);
    live.topic('t').end();
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await stream.next()).toBeUndefined();
  });

  it('works with the client of graphql-sse', async () => {
    await using live = await startSubscriptionServer();
    const client = createClient({ url: live.url, retryAttempts: 0 });
    const results = client.iterate(CHANGED);
    const first = results.next();
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect((await first).value).toEqual(result(1));
    const last = results.next();
    live.topic('t').end();
    expect(await last).toEqual({ value: undefined, done: true });
    client.dispose();
  });

  it('can be opened by GET, as EventSource does, but not for a page of another site', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, CHANGED, { 'sec-fetch-site': 'same-origin' }, 'GET');
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect(await stream.result()).toEqual(result(1));
    await using foreign = await openSse(live.url, CHANGED, { 'sec-fetch-site': 'cross-site' }, 'GET');
    expect(foreign.status).toBe(403);
  });

  it('ends with one error when its source fails', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, CHANGED);
    await until(() => live.topic('t').waits === 1);
    live.topic('t').fail(new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }));
    expect(await stream.result()).toEqual({
      errors: [
        {
          message: 'No such job.',
          path: ['changed'],
          locations: [{ line: 1, column: 18 }],
          extensions: { code: 'NOT_FOUND' },
        },
      ],
    });
    expect((await stream.next())?.event).toBe('complete');
  });

  it.each(['refused', 'broken'])('of the source `%s` gets a masked error, and completes', async (field) => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, { query: `subscription { ${field} { n } }` });
    expect(await stream.result()).toEqual({
      errors: [
        expect.objectContaining({
          message: 'Internal error of the gateway. Report the requestId to its operator.',
          path: [field],
        }),
      ],
    });
    expect((await stream.next())?.event).toBe('complete');
    expect(live.log.filter(({ msg }) => msg === 'internal error')).toHaveLength(1);
  });

  it('masks internal errors of its events, and continues', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, { query: 'subscription { changed(topic: "t") { n fault } }' });
    for (const n of [1, 2]) {
      await until(() => live.topic('t').waits === n);
      live.topic('t').emit({ n });
      expect(await stream.result()).toEqual({
        data: { changed: { n, fault: null } },
        errors: [expect.objectContaining({ extensions: { code: 'INTERNAL', requestId: expect.any(String) } })],
      });
    }
  });

  it('can be read by pages of CORS_ORIGINS only', async () => {
    await using live = await startSubscriptionServer({ CORS_ORIGINS: 'https://app.example' });
    await using stream = await openSse(live.url, CHANGED, { origin: 'https://app.example' });
    expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example');
    await using other = await openSse(live.url, CHANGED, { origin: 'https://evil.example' });
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('is rejected for a client that accepts only JSON, by POST and by GET', async () => {
    await using live = await startSubscriptionServer();
    const asJson = await openSse(live.url, CHANGED, { accept: 'application/json' });
    expect(asJson.status).toBe(406);
    const byGet = await openSse(live.url, CHANGED, { accept: 'application/json' }, 'GET');
    expect(byGet.status).toBe(405);
  });

  it('that selects no field gets an error', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, {
      query: 'subscription { changed(topic: "t") @skip(if: true) { n } }',
    });
    expect(await stream.result()).toEqual({ errors: [expect.objectContaining({ message: expect.any(String) })] });
    expect((await stream.next())?.event).toBe('complete');
  });
});

describe('an operation over server-sent events', () => {
  const events = async (query: string, variables = {}) => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, { query, variables });
    const all = [];
    for (let event = await stream.next(); event; event = await stream.next()) if (event.event !== ':') all.push(event);
    return [stream.status, ...all];
  };
  const complete = { event: 'complete', data: '' };

  it('that is a query or a mutation has one result', async () => {
    const data = JSON.stringify({ data: { role: 'admin' } });
    expect(await events('{ role }')).toEqual([200, { event: 'next', data }, complete]);
    expect(await events('mutation { touch }')).toEqual([
      200,
      { event: 'next', data: '{"data":{"touch":"touched"}}' },
      complete,
    ]);
  });

  it.each([
    ['is not GraphQL', '{', 'GRAPHQL_PARSE_FAILED'],
    ['does not match the schema', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['has two root fields', 'subscription { broken { n } refused { n } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['has invalid variables', 'subscription ($t: String!) { changed(topic: $t) { n } }', 'BAD_USER_INPUT'],
  ])('that %s has its errors as a result, as the protocol requires', async (_, query, code) => {
    expect(await events(query)).toEqual([200, { event: 'next', data: expect.stringContaining(code) }, complete]);
  });

  it('that is a mutation by GET is rejected', async () => {
    await using live = await startSubscriptionServer();
    const stream = await openSse(live.url, { query: 'mutation { touch }' }, {}, 'GET');
    expect(stream.status).toBe(405);
  });
});
