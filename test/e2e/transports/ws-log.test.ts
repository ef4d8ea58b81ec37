import { describe, expect, it } from 'vitest';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, type SocketOptions, subscribe } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const INVALID = 'query Q { fineTuningJobs(first: 500) { edges { cursor } } fineTuningJob(id: "ftjob-1") { id } }';
const CHANGED = 'subscription S { changed(topic: "t") { n fault } }';

type Line = Record<string, unknown>;
const linesOf = (log: readonly Line[], name: string) => log.filter(({ msg }) => msg === name);

describe('the log line of an operation over a WebSocket', () => {
  it.each([
    ['that has errors and data', INVALID],
    ['that is invalid', 'query Q { nothing also }'],
    ['that is not GraphQL', '{'],
    ['that is too deep', 'query Q { fineTuningJob(id: "ftjob-1") { trainingFile { id } } }'],
  ])('%s has the same fields as over HTTP', async (_, query) => {
    await using gateway = await startGateway({ MAX_QUERY_DEPTH: '2' });
    using socket = await openSocket(gateway.url);
    await gateway.query(query);
    socket.send(subscribe('1', query));
    await socket.next();
    await until(() => linesOf(gateway.log, 'operation').length === 1);
    const [line] = linesOf(gateway.log, 'operation');
    const [overHttp] = linesOf(gateway.log, 'request');
    const { method, path, status, msg, ms, requestId, time, upstreamCalls, ...shared } = overHttp ?? {};
    expect(line).toMatchObject({ ...shared, transport: 'websocket', ms: expect.any(Number) });
    expect(line).toMatchObject({ errors: expect.any(Number), errorCodes: [expect.any(String)] });
  });

  it('counts the errors in the results of a subscription, as that of a stream over HTTP does', async () => {
    await using live = await startSubscriptionServer();
    using socket = await openSocket(live.url);
    await using stream = await openSse(live.url, { query: CHANGED });
    socket.send(subscribe('1', CHANGED));
    await until(() => live.topic('t').waits === 2);
    live.topic('t').emit({ n: 1 });
    await socket.next();
    await stream.result();
    live.topic('t').end();
    await until(() => linesOf(live.log, 'operation').length + linesOf(live.log, 'request').length === 2);
    const expected = { operation: 'S', results: 1, errors: 1, errorCodes: ['INTERNAL'] };
    expect(linesOf(live.log, 'operation')).toMatchObject([{ ...expected, transport: 'websocket' }]);
    expect(linesOf(live.log, 'request')).toMatchObject([{ ...expected, transport: 'sse' }]);
  });

  it('says when the client has left before the end', async () => {
    await using live = await startSubscriptionServer();
    const socket = await openSocket(live.url);
    socket.send(subscribe('1', CHANGED), subscribe('2', 'query Q { slow }'));
    await until(() => live.topic('t').waits === 1 && live.events.length === 1);
    socket.socket.terminate();
    await until(() => linesOf(live.log, 'operation').length === 2);
    for (const line of linesOf(live.log, 'operation')) {
      expect(line).toMatchObject({ results: 0, isAborted: true });
      expect(line).not.toHaveProperty('errors');
    }
  });
});

describe('the log line of a rejected WebSocket', () => {
  it.each<[string, SocketOptions, number, object]>([
    ['without a token', {}, 4403, { reason: 'Forbidden', errors: 1, errorCodes: ['UNAUTHENTICATED'] }],
    [
      'with an unknown token',
      { init: { authorization: 'Bearer fgw_unknown' } },
      4403,
      { reason: 'Forbidden', errors: 1, errorCodes: ['UNAUTHENTICATED'] },
    ],
    ['with an unknown subprotocol', { protocol: [], init: false }, 4406, { reason: 'SubprotocolNotAcceptable' }],
  ])('%s has the close code', async (_, options, code, fields) => {
    const { file } = tokenFile({ ann: 'viewer' });
    await using live = await startSubscriptionServer({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    using socket = await openSocket(live.url, options);
    await socket.closed;
    const line = { level: 30, msg: 'request rejected', transport: 'websocket', code, ...fields };
    expect(live.log).toEqual([
      expect.objectContaining({ ...line, requestId: expect.stringMatching(/^[\da-f-]{36}$/) }),
    ]);
    expect(JSON.stringify(live.log)).not.toContain('fgw_unknown');
  });

  it('does not quote the client', async () => {
    await using live = await startSubscriptionServer();
    using socket = await openSocket(live.url);
    const id = `fgw_secret${'é'.repeat(200)}`;
    socket.send(subscribe(id, CHANGED), subscribe(id, CHANGED));
    expect(await socket.closed).toEqual([4409, expect.stringMatching(/^Subscriber for fgw_secret\?{98}$/)]);
    await until(() => live.topic('t').readers === 0);
    expect(JSON.stringify(live.log)).not.toContain('fgw_secret');
    expect(live.log.map(({ msg }) => msg).toSorted()).toEqual(['operation', 'request rejected']);
  });
});
