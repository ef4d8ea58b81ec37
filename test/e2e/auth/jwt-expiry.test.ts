import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { download, errorOf, openDownload } from '../../kit/client/download.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse, type SseStream } from '../../kit/client/sse.ts';
import { trainingLines, upload } from '../../kit/client/upload.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startJwtWorld } from '../../kit/gateway/jwt-world.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';
const REASON = 'Authorization: the token has expired, was revoked or has another role; reconnect with a valid one.';
const EXPIRED = { message: REASON, extensions: { code: 'UNAUTHENTICATED' } };
/** Tokens of the test expire after five minutes, plus the tolerance. */
const VALID_MS = 302_000;
const CONTENT = '/files/file-1/content';

/** The first result with errors. */
async function errorsOf(stream: SseStream): Promise<unknown> {
  for (;;) {
    const { errors } = Object(await stream.result());
    if (errors !== undefined) return errors;
  }
}

/** A gateway with a stream of each transport. The heartbeat is rare, so that it ends none of them. */
async function start() {
  const world = await startJwtWorld({ HEARTBEAT_MS: '600000' });
  const token = await world.issuer.sign();
  const authorization = `Bearer ${token}`;
  const stream = await openSse(world.gateway.url, { query: QUERY }, { authorization });
  const socket = await openSocket(world.gateway.url, { init: { authorization } });
  socket.send(subscribe('1', QUERY));
  const idle = await openSocket(world.gateway.url, { headers: { authorization } });
  const multipart = await openRawConnection(world.gateway.url);
  const body = JSON.stringify({ query: QUERY });
  multipart.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: multipart/mixed;subscriptionSpec="1.0"\r\nAuthorization: ${authorization}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await multipart.receivedMatch(/200 OK/);
  await until(() => world.gateway.load().streams === 4 && world.gateway.load().groups === 1);
  return { world, token, stream, socket, idle, multipart };
}

describe('a JWT that expires', () => {
  it('ends its streams within a second, with the code UNAUTHENTICATED or 4403, and no others', async () => {
    const { world, stream, socket, idle, multipart } = await start();
    const later = await world.issuer.sign({ exp: Math.floor(world.clock.timeOfDay() / 1000) + 600 });
    await using lasting = await openSse(world.gateway.url, { query: QUERY }, { authorization: `Bearer ${later}` });
    world.clock.advance(VALID_MS - 1);
    expect(world.gateway.load().streams).toBe(5);
    world.clock.advance(1000);
    expect(await errorsOf(stream)).toEqual([EXPIRED]);
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await socket.closed).toEqual([4403, REASON]);
    expect(await idle.closed).toEqual([4403, REASON]);
    expect(await multipart.closed).toMatch(/"payload":null,"errors":\[.*UNAUTHENTICATED.*--graphql--\r\n/s);
    await until(() => world.gateway.load().streams === 1);
    expect(lasting.status).toBe(200);
    await world[Symbol.asyncDispose]();
  });

  it('gets no result after its expiry, also before its stream is ended', async () => {
    await using world = await startJwtWorld({ HEARTBEAT_MS: '600000', CACHE_ACTIVE_MS: '0' });
    const token = await world.issuer.sign({ exp: Math.floor(world.clock.timeOfDay() / 1000) + 3 });
    world.clock.advance(500); // Expiries are looked for each second from here on.
    await using stream = await openSse(world.gateway.url, { query: QUERY }, { authorization: `Bearer ${token}` });
    await until(() => world.gateway.load().watched === 1);
    world.clock.advance(4500); // The job is polled, and its status arrives when the token has expired.
    expect(world.gateway.load().streams).toBe(1);
    expect(await stream.result()).toEqual({ errors: [EXPIRED] });
  });

  it('cannot open a WebSocket, and is told why', async () => {
    await using world = await startJwtWorld();
    const token = await world.issuer.sign({ exp: 1 });
    using socket = await openSocket(world.gateway.url, { init: { headers: { Authorization: `Bearer ${token}` } } });
    const message = 'connectionParams.headers.Authorization: the token has expired; get a new one.';
    expect(await socket.closed).toEqual([4403, message]);
  });

  it('ends a download at its next bytes', async () => {
    await using world = await startJwtWorld();
    world.upstream.onFile(fileBody('file-1'));
    const sent = Promise.withResolvers<ServerResponse>();
    world.upstream.on(CONTENT, (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(200).write('begin', () => sent.resolve(response)),
    );
    const authorization = `Bearer ${await world.issuer.sign({ exp: Math.floor(world.clock.timeOfDay() / 1000) + 1 })}`;
    const response = await openDownload(world.gateway.url, CONTENT, { authorization });
    const ended = expect(response.toArray()).rejects.toThrow('aborted');
    const closed = once(await sent.promise, 'close');
    world.clock.advance(3000);
    (await sent.promise).write('secret');
    await Promise.all([ended, closed]);
    await until(() => world.gateway.log.some(({ msg, path }) => msg === 'request' && path === CONTENT));
    expect(world.gateway.log.at(-1)).toMatchObject({ errorCodes: ['UNAUTHENTICATED'], isAborted: true });
  });
});

describe('a JWT', () => {
  it('opens downloads by its role', async () => {
    await using world = await startJwtWorld();
    world.upstream.onFile(fileBody('file-1'));
    world.upstream.onContent('file-1', 'text');
    const get = async (token: string) =>
      await download(world.gateway.url, CONTENT, { authorization: `Bearer ${token}` });
    expect(await get(await world.issuer.sign())).toMatchObject({ status: 200, text: 'text' });
    const refused = [{ roles: ['readers'] }, { roles: [] }, { exp: 1 }].map(async (claims) =>
      errorOf(await get(await world.issuer.sign(claims))),
    );
    expect(await Promise.all(refused)).toMatchObject([
      { status: 403, code: 'FORBIDDEN' },
      { status: 403, code: 'FORBIDDEN' },
      { status: 401, code: 'UNAUTHENTICATED' },
    ]);
  });

  it('uploads files by its role, also while the token has to be verified', async () => {
    await using world = await startJwtWorld({ ALLOW_MUTATIONS: 'on' });
    world.upstream.on('/files', (request: IncomingMessage, response: ServerResponse) => {
      request.resume().on('end', () => response.end(JSON.stringify(fileBody('file-9'))));
    });
    const send = async (roles: string[]) => {
      const authorization = `Bearer ${await world.issuer.sign({ roles })}`;
      return await upload(world.gateway.url, trainingLines(12), { headers: { authorization } });
    };
    expect((await send(['tuners'])).outcome).toMatchObject({ __typename: 'UploadFileSuccess' });
    expect((await send(['readers'])).outcome).toMatchObject({ code: 'FORBIDDEN' });
    expect((await send([])).status).toBe(403);
  });

  it('of a client that leaves while it is verified opens nothing', async () => {
    await using world = await startJwtWorld();
    let held = 0;
    expect((await world.ask(await world.issuer.sign())).status).toBe(200);
    world.issuer.failAll(() => void held++);
    const token = await world.issuer.sign({}, { kid: 'new' });
    using socket = await openSocket(world.gateway.url, { init: false });
    socket.send({ type: 'connection_init', payload: { token } });
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asked = fetch(world.gateway.url, {
      method: 'POST',
      headers,
      body: '{"query":"{ a }"}',
      signal: abort.signal,
    });
    await until(() => held === 1);
    abort.abort();
    socket.socket.terminate();
    await expect(asked).rejects.toThrow();
    await until(() => world.gateway.load().streams === 0);
    await until(() => world.gateway.log.some(({ msg, isAborted }) => msg === 'request' && isAborted === true));
    world.clock.advance(5000);
    expect((await world.ask(token)).status).toBe(503);
    expect(world.gateway.log.filter(({ level }) => Number(level) >= 50)).toHaveLength(1); // The outage.
  });
});
