import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { createTestClock } from '../../kit/clock.ts';
import { openSandbox } from './open.ts';

describe('createSandbox', () => {
  it('listens on the loopback address only, on a free port', async () => {
    const { baseUrl } = await openSandbox();
    expect(baseUrl.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(Number(baseUrl.port)).toBeGreaterThan(0);
  });

  it('rejects when the port is taken', async () => {
    const { baseUrl } = await openSandbox();
    const second = createSandbox({ clock: createTestClock(), speed: 10, seed: 1, port: Number(baseUrl.port) });
    await expect(second).rejects.toThrow('EADDRINUSE');
  });

  it('has the example job that it names', async () => {
    const { exampleJobId, getJson } = await openSandbox();
    expect(await getJson(`/fine_tuning/jobs/${exampleJobId}`)).toMatchObject({
      status: 200,
      body: { id: exampleJobId, status: 'succeeded' },
    });
  });

  it('shares no jobs with another sandbox of the same process', async () => {
    const one = await openSandbox({ seed: 1 });
    const two = await openSandbox({ seed: 2 });
    const idsOfOne = new Set((await one.jobs()).map(({ id }) => id));
    expect((await two.jobs()).filter(({ id }) => idsOfOne.has(id))).toEqual([]);
  });
});

describe('dispose', () => {
  it('closes all connections, idle or in the middle of a request', async () => {
    const { baseUrl, dispose } = await openSandbox();
    const idle = connect(Number(baseUrl.port), '127.0.0.1');
    const partial = connect(Number(baseUrl.port), '127.0.0.1');
    partial.write('GET /v1/fine_tuning/jobs HTTP/1.1\r\n');
    const sockets = [idle, partial];
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.on('error', () => undefined).resume();
    const closed = sockets.map((socket) => once(socket, 'close'));
    await fetch(`${baseUrl}/fine_tuning/jobs`);
    await dispose();
    await Promise.all(closed);
  });

  it('stops listening', async () => {
    const { get, dispose } = await openSandbox();
    await dispose();
    await expect(get('/fine_tuning/jobs')).rejects.toThrow();
  });

  it('may be called twice', async () => {
    const { dispose } = await openSandbox();
    await Promise.all([dispose(), dispose()]);
  });
});
