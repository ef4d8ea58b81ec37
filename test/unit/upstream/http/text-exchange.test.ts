import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { path } from '../../../../src/upstream/http/path.ts';
import { createRestClient, type RestClient } from '../../../../src/upstream/http/rest-client.ts';
import type { Call } from '../../../../src/upstream/resilience/transport.ts';
import { createTestClock, type TestClock } from '../../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';

const TIMEOUT_MS = 30_000;
const credential = { apiKey: 'test-key-example' };

let scripted: ScriptedUpstream;
let clock: TestClock;
let rest: RestClient;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  rest = clientAt(scripted.baseUrl);
});
afterEach(async () => {
  await rest.dispose();
  await scripted[Symbol.asyncDispose]();
});

const clientAt = (baseUrl: string) =>
  createRestClient({
    baseUrl: new URL(baseUrl),
    timeoutMs: TIMEOUT_MS,
    connections: 1,
    retries: 0,
    maxRps: 1000,
    clock,
  });

/** A caller without a signal, as a method of a class sees it. */
class Caller implements Call {
  readonly credential = credential;
  readonly callbacks = new Set<(reason: unknown) => void>();

  get signal(): AbortSignal {
    throw new Error('The call needs no signal.');
  }

  onAbort(callback: (reason: unknown) => void) {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }
}

const get = (call: Call, client = rest) => client.getOrNull(path`/jobs/${'a'}`, (body) => body, call);

it('a call needs no signal of a caller that is observed, and stops observing it', async () => {
  const caller = new Caller();
  scripted.on('/jobs/a', { id: 'a' });
  const call = get(caller);
  expect(caller.callbacks.size).toBe(1);
  expect(await call).toEqual({ id: 'a' });
  expect([caller.callbacks.size, clock.timers]).toEqual([0, 0]);
});

it('an observed caller that leaves closes the socket, and the call rejects with its reason', async () => {
  const caller = new Caller();
  const gate = scripted.hold();
  const failure = get(caller).catch((error: unknown) => error);
  await gate.arrived(1);
  for (const callback of caller.callbacks) callback('left');
  expect(await failure).toBe('left');
  await gate.abandoned(1);
  gate.release();
  expect([caller.callbacks.size, clock.timers]).toEqual([0, 0]);
});

it('a call that never connects ends at its deadline, as does the next one that waits for its connection', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {}))); // Never completes a TLS handshake.
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const client = clientAt(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`); // It listens on TCP.
  const failures = [1, 2].map(() => get(new Caller(), client).catch((error: unknown) => error));
  clock.advance(TIMEOUT_MS);
  for (const failure of failures) expect(await failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  expect(clock.timers).toBe(0);
  for (const socket of sockets) socket.destroy();
  await client.dispose();
  silent.close();
});

it('a body with chunks of one byte within a character, and a body without bytes, are read', async () => {
  scripted.on('/jobs/a', (_: IncomingMessage, response: ServerResponse) => {
    const bytes = Buffer.from(JSON.stringify({ id: 'é€😀' }));
    const write = (at: number) => {
      if (at === bytes.length) response.end();
      else response.write(bytes.subarray(at, at + 1), () => setImmediate(write, at + 1));
    };
    write(0);
  });
  expect(await get(new Caller())).toEqual({ id: 'é€😀' });
  scripted.on('/jobs/a', (_: IncomingMessage, response: ServerResponse) => response.writeHead(204).end());
  expect(await get(new Caller())).toBeNull();
});

it.each([
  ['req_12345', 'req_12345'],
  ['req_test-key-example', undefined],
  ['req_y-exampl', undefined],
])('an error about the response has the request id %s as %s, in members of its own', async (id, shown) => {
  scripted.failAll((_, response) => {
    response.setHeader('x-request-id', id);
    response.setHeader('retry-after', '7');
    writeResponse(response, 200, { id: 1 });
  });
  const failure = await rest
    .getOrNull(
      path`/jobs/${'a'}`,
      (_, facts) => {
        throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', '', facts);
      },
      new Caller(),
    )
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UpstreamError);
  const { facts } = failure as UpstreamError; // Checked above.
  expect({ ...facts }).toEqual({ upstreamStatus: 200, upstreamRequestId: shown, retryAfterSeconds: 7 });
});
