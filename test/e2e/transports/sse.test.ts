import { GraphQLError } from 'graphql';
import { createClient } from 'graphql-sse';
import { describe, expect, it } from 'vitest';
import { openSse } from '../../kit/client/sse.ts';
import { startLive } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const CHANGED = { query: 'subscription S { changed(topic: "t") { n } }' };
const result = (n: number) => ({ data: { changed: { n } } });

describe('a subscription over server-sent events', () => {
  it('begins at once, gives each result and says when it is complete', async () => {
    await using live = await startLive();
    await using stream = await openSse(live.url, CHANGED);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(stream.headers.get('cache-control')).toBe('no-store');
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

  it('is what the client of graphql-sse takes', async () => {
    await using live = await startLive();
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

  it('comes by GET too, as browsers ask with EventSource, but not for a page of another site', async () => {
    await using live = await startLive();
    await using stream = await openSse(live.url, CHANGED, { 'sec-fetch-site': 'same-origin' }, 'GET');
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect(await stream.result()).toEqual(result(1));
    await using foreign = await openSse(live.url, CHANGED, { 'sec-fetch-site': 'cross-site' }, 'GET');
    expect(foreign.status).toBe(403);
  });

  it('ends with one error when its source fails', async () => {
    await using live = await startLive();
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

  it.each(['refused', 'broken'])(
    'of a source that is %s gives an error that tells nothing, and completes',
    async (field) => {
      await using live = await startLive();
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
    },
  );

  it('masks the faults of its events, and goes on', async () => {
    await using live = await startLive();
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

  it('may be read by the pages that are named, and by no others', async () => {
    await using live = await startLive({ CORS_ORIGINS: 'https://app.example' });
    await using stream = await openSse(live.url, CHANGED, { origin: 'https://app.example' });
    expect(stream.headers.get('access-control-allow-origin')).toBe('https://app.example');
    await using other = await openSse(live.url, CHANGED, { origin: 'https://evil.example' });
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('is refused to who takes JSON only, and by GET to who takes no event stream', async () => {
    await using live = await startLive();
    const asJson = await openSse(live.url, CHANGED, { accept: 'application/json' });
    expect(asJson.status).toBe(406);
    const byGet = await openSse(live.url, CHANGED, { accept: 'application/json' }, 'GET');
    expect(byGet.status).toBe(405);
  });

  it('that asks for no field at all is an error', async () => {
    await using live = await startLive();
    await using stream = await openSse(live.url, {
      query: 'subscription { changed(topic: "t") @skip(if: true) { n } }',
    });
    expect(await stream.result()).toEqual({ errors: [expect.objectContaining({ message: expect.any(String) })] });
    expect((await stream.next())?.event).toBe('complete');
  });
});

describe('what is asked for over server-sent events', () => {
  const events = async (query: string, variables = {}) => {
    await using live = await startLive();
    await using stream = await openSse(live.url, { query, variables });
    const all = [];
    for (let event = await stream.next(); event; event = await stream.next()) if (event.event !== ':') all.push(event);
    return [stream.status, ...all];
  };
  const complete = { event: 'complete', data: '' };

  it('and is a query or a mutation has one result', async () => {
    const data = JSON.stringify({ data: { role: 'admin' } });
    expect(await events('{ role }')).toEqual([200, { event: 'next', data }, complete]);
    expect(await events('mutation { touch }')).toEqual([
      200,
      { event: 'next', data: '{"data":{"touch":"touched"}}' },
      complete,
    ]);
  });

  it.each([
    ['no GraphQL', '{', 'GRAPHQL_PARSE_FAILED'],
    ['not of the schema', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['of two fields', 'subscription { broken { n } refused { n } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['with wrong variables', 'subscription ($t: String!) { changed(topic: $t) { n } }', 'BAD_USER_INPUT'],
  ])('and is %s has its errors as a result, as the protocol wants it', async (_, query, code) => {
    expect(await events(query)).toEqual([200, { event: 'next', data: expect.stringContaining(code) }, complete]);
  });

  it('and is a mutation by GET is refused', async () => {
    await using live = await startLive();
    const stream = await openSse(live.url, { query: 'mutation { touch }' }, {}, 'GET');
    expect(stream.status).toBe(405);
  });
});
