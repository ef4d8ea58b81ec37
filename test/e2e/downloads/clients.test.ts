import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { download, errorOf, openDownload } from '../../kit/client/download.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const PATH = '/files/file-1/content';
const GET = `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const MIB = 1024 * 1024;
const ENDLESS = 1024 * MIB;
/** More than all buffers between the upstream and a client hold together. */
const MAX_BUFFERED = 32 * MIB;

/** An upstream with a content of this many bytes, which it writes as fast as the gateway reads; `stalled`: the first chunk. */
async function startSource(bytes: number | 'stalled') {
  const upstream = await startUpstream();
  upstream.onFile(fileBody('file-1'));
  upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const state = { sentBytes: 0, open: 0 };
  const end = bytes === 'stalled' ? CHUNK.length : bytes;
  upstream.on(PATH, (_: IncomingMessage, response: ServerResponse) => {
    let sent = 0;
    const write = () => {
      while (!response.destroyed && sent < end) {
        sent += CHUNK.length;
        state.sentBytes += CHUNK.length;
        if (!response.write(CHUNK)) return;
      }
      if (bytes !== 'stalled') response.end();
    };
    state.open++;
    response
      .on('close', () => state.open--)
      .on('drain', write)
      .writeHead(200);
    write();
  });
  return Object.assign(upstream, { state });
}

/** Resolves when the number has not changed for a while. */
async function settled(count: () => number): Promise<number> {
  for (let [last, samples] = [-1, 0]; ; samples++) {
    const next = count();
    if (next !== last) [last, samples] = [next, 0];
    if (samples === 4) return next;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a client', () => {
  it('that leaves aborts the call upstream', async () => {
    await using upstream = await startSource(ENDLESS);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const response = await openDownload(gateway.url, PATH);
    await once(response, 'readable');
    response.destroy();
    await until(() => upstream.state.open === 0);
    await until(() => gateway.log.some(({ isAborted }) => isAborted === true));
    expect(gateway.log.findLast(({ msg }) => msg === 'request')).toMatchObject({ status: 200, isAborted: true });
    expect(gateway.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  it('that leaves before the upstream responds aborts the call too', async () => {
    await using upstream = await startUpstream();
    upstream.onFile(fileBody('file-1'));
    const arrived = Promise.withResolvers<ServerResponse>();
    upstream.on(PATH, (_: IncomingMessage, response: ServerResponse) => arrived.resolve(response));
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    await using connection = await openRawConnection(gateway.url);
    connection.write(GET);
    const closed = once(await arrived.promise, 'close');
    await connection[Symbol.asyncDispose]();
    await closed;
  });

  it('that reads nothing stops the upstream, delays no other caller, and is disconnected after IDLE_TIMEOUT_MS', async () => {
    await using upstream = await startSource(ENDLESS);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, IDLE_TIMEOUT_MS: '1500' });
    const connections = await countConnections(gateway.url);
    await using connection = await openRawConnection(gateway.url);
    connection.pause();
    connection.write(GET);
    await until(() => upstream.state.sentBytes > MIB);
    expect(await settled(() => upstream.state.sentBytes)).toBeLessThan(MAX_BUFFERED);
    expect((await gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }')).errors).toBeUndefined();
    await connections.droppedTo(1); // The keep-alive connection of the query.
    await until(() => upstream.state.open === 0);
    expect(gateway.log).toContainEqual(expect.objectContaining({ route: '/files/ID/content', isAborted: true }));
  });

  it('that pauses longer than UPSTREAM_TIMEOUT_MS gets the rest', async () => {
    const clock = createTestClock();
    await using upstream = await startSource(MAX_BUFFERED);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, clock);
    const response = await openDownload(gateway.url, PATH);
    await until(() => upstream.state.sentBytes > MIB);
    expect(await settled(() => upstream.state.sentBytes)).toBeLessThan(MAX_BUFFERED);
    clock.advance(30_000);
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    expect(bytes).toBe(MAX_BUFFERED);
  });
});

describe('a revoked token', () => {
  it('ends a download at its next bytes', async () => {
    const { file, tokens, write } = tokenFile({ otto: 'operator' });
    await using world = await startWorld({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    world.upstream.onFile(fileBody('file-1'));
    const sent = Promise.withResolvers<ServerResponse>();
    world.upstream.on(PATH, (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(200).write('begin', () => sent.resolve(response)),
    );
    const response = await openDownload(world.gateway.url, PATH, { authorization: `Bearer ${tokens.otto}` });
    const ended = expect(response.toArray()).rejects.toThrow('aborted');
    const closed = once(await sent.promise, 'close');
    write(tokenLine('other', 'operator'));
    world.clock.advance(1000);
    (await sent.promise).write('secret');
    await Promise.all([ended, closed]);
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    expect(world.gateway.log.at(-1)).toMatchObject({ errorCodes: ['UNAUTHENTICATED'], isAborted: true });
  });
});

describe('an upstream', () => {
  it('that stalls before its headers is 504', async () => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    await download(world.gateway.url, PATH); // The file is cached.
    world.upstream.on(PATH, () => {});
    const pending = download(world.gateway.url, PATH);
    await until(() => world.upstream.calls.length === 3);
    world.clock.advance(30_000);
    expect(errorOf(await pending)).toMatchObject({ status: 504, code: 'UPSTREAM_TIMEOUT' });
  });

  it.each(['1.1', '1.0'])(
    'that stalls within the content breaks the connection of HTTP/%s within the body',
    async (version) => {
      await using world = await startWorld();
      world.upstream.onFile(fileBody('file-1'));
      world.upstream.on(PATH, (_: IncomingMessage, response: ServerResponse) => response.writeHead(200).write('begin'));
      await using connection = await openRawConnection(world.gateway.url);
      connection.write(GET.replace('1.1', version));
      await connection.receivedMatch(/begin/);
      await settled(() => world.clock.timers);
      world.clock.advance(29_999);
      expect(world.upstream.calls).toHaveLength(2);
      world.clock.advance(1);
      expect(await connection.closed).toMatch(/\r\n\r\n(5\r\n)?begin(\r\n)?$/); // No last chunk.
      await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
      const failure = { errorCodes: ['UPSTREAM_TIMEOUT'], status: 200, isAborted: true };
      expect(world.gateway.log).toContainEqual(expect.objectContaining({ msg: 'request', ...failure }));
      expect(world.gateway.log).toContainEqual(
        expect.objectContaining({ msg: 'upstream call failed', code: 'UPSTREAM_TIMEOUT' }),
      );
    },
  );

  it.each([
    ['that closes the connection within it', 'file-1', (response: ServerResponse) => response.destroy()],
    ['that ends base64 as something else', 'file-2', (response: ServerResponse) => response.end('%%%')],
  ])('%s breaks the connection within the body', async (_, id, end) => {
    await using world = await startWorld();
    world.upstream.onFile(fileBody('file-1'));
    world.upstream.onFile(fileBody('file-2', { purpose: 'fine-tune-results' }));
    const sent = Promise.withResolvers<ServerResponse>();
    world.upstream.on(`/files/${id}/content`, (__: IncomingMessage, response: ServerResponse) => {
      response
        .writeHead(200)
        .write(Buffer.from('step,train_loss\n'.repeat(300)).toString('base64'), () => sent.resolve(response));
    });
    const response = await openDownload(world.gateway.url, `/files/${id}/content`);
    const ended = expect(response.resume().toArray()).rejects.toThrow('aborted');
    end(await sent.promise);
    await ended;
    await until(() => world.gateway.log.some(({ msg }) => msg === 'request'));
    expect(world.gateway.log.at(-1)).toMatchObject({ errorCodes: ['UPSTREAM_INVALID_RESPONSE'], isAborted: true });
  });
});

describe('concurrent downloads', () => {
  it('are at most four per caller, and another is possible when one has ended', async () => {
    await using upstream = await startSource('stalled');
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const responses = await Promise.all(Array.from({ length: 4 }, () => openDownload(gateway.url, PATH)));
    expect(errorOf(await download(gateway.url, PATH))).toEqual({
      status: 429,
      code: 'RATE_LIMITED',
      message: 'Downloads: the limit of 4 per caller is reached (UPSTREAM_CONNECTIONS); retry when one has ended.',
    });
    responses[0]?.destroy();
    await until(() => upstream.state.open === 3);
    const next = await openDownload(gateway.url, PATH);
    expect(next.statusCode).toBe(200);
    for (const response of [...responses, next]) response.destroy();
  });
});

describe('a stopping gateway', () => {
  it('finishes a download, and closes its connection', async () => {
    const upstream = await startUpstream();
    onTestFinished(() => upstream[Symbol.asyncDispose]());
    upstream.onFile(fileBody('file-1'));
    const sent = Promise.withResolvers<ServerResponse>();
    upstream.on(PATH, (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(200).write('begin ', () => sent.resolve(response)),
    );
    const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, DRAIN_DELAY_MS: '0' });
    const connection = await openRawConnection(gateway.url);
    connection.write(GET);
    await connection.receivedMatch(/begin/);
    const stopped = gateway[Symbol.asyncDispose]();
    (await sent.promise).end('end');
    expect(await connection.closed).toMatch(/begin [\s\S]*end\r\n0\r\n\r\n$/);
    await stopped;
  });
});
