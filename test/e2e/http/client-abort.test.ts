import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { until } from '../../kit/until.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id } file(id: "file-1") { id } }';
/** Reads behind the job and the file, which are cached. */
const READS = [
  ['events', '{ fineTuningJob(id: "ftjob-1") { events { edges { cursor } } } }'],
  ['checkpoints', '{ fineTuningJob(id: "ftjob-1") { checkpoints { edges { cursor } } } }'],
  ['a filtered list of jobs', '{ fineTuningJobs(filter: { statuses: [FAILED] }) { scannedCount } }'],
  ['a list of files', '{ files { edges { cursor } } }'],
  ['models', '{ models { edges { cursor } } }'],
  ['a preview', '{ file(id: "file-1") { preview { text } } }'],
  ['metrics', '{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints } } }'],
] as const;

async function start(settings: Record<string, string> = {}): Promise<World> {
  const world = await startWorld(settings);
  const finished = { status: 'succeeded', finished_at: world.seconds() - 3600, result_files: ['file-result'] };
  world.upstream.onJob(jobBody({ id: 'ftjob-1', ...finished }));
  world.upstream.onJobs([]);
  world.upstream.onEvents('ftjob-1', [eventBody('ftevent-1')]);
  world.upstream.onCheckpoints('ftjob-1', []);
  world.upstream.onFiles([fileBody('file-1')]);
  world.upstream.onModels([]);
  world.upstream.onContent('file-1', 'the first line');
  world.upstream.onContent('file-result', 'step,train_loss\n1,0.5\n');
  await world.ask(JOB);
  return world;
}

describe('a client that disconnects', () => {
  it.each(READS)('aborts the upstream call when no other client waits for it: %s', async (_, query) => {
    await using world = await start();
    const gate = world.upstream.hold();
    const client = new AbortController();
    const pending = world.gateway.query(query, {}, client.signal);
    await gate.arrived(1);
    client.abort();
    await expect(pending).rejects.toThrow();
    await gate.abandoned(1);
    gate.release();
    expect(world.gateway.log).toContainEqual(expect.objectContaining({ isAborted: true, upstreamCalls: 1 }));
  });

  it.each(READS)('does not abort a call that another client waits for: %s', async (_, query) => {
    await using world = await start();
    const calls = world.upstream.calls.length;
    const gate = world.upstream.hold();
    const client = new AbortController();
    const first = world.gateway.query(query, {}, client.signal);
    await gate.arrived(1);
    const second = world.gateway.query(query);
    await world.gateway.received(3); // Including the query of `start`.
    client.abort();
    await expect(first).rejects.toThrow();
    gate.release();
    expect((await second).errors).toBeUndefined();
    expect(world.upstream.calls.length - calls).toBe(1);
  });

  it.each([
    ['a preview', 'file-1', '{ file(id: "file-1") { preview(maxBytes: 1000000) { text } } }'],
    ['metrics', 'file-result', '{ fineTuningJob(id: "ftjob-1") { metrics { totalPoints } } }'],
  ])('aborts a content download: %s', async (_, fileId, query) => {
    await using world = await start();
    const started = Promise.withResolvers<ServerResponse>();
    world.upstream.on(`/files/${fileId}/content`, (_: unknown, response: ServerResponse) => {
      response.writeHead(200);
      response.write('step,train_loss\n1,0.5\n', () => started.resolve(response)); // Never ends.
    });
    const client = new AbortController();
    const pending = world.gateway.query(query, {}, client.signal);
    const closed = once(await started.promise, 'close');
    client.abort();
    await expect(pending).rejects.toThrow();
    await closed;
  });

  it('aborts the read of a long event log between two pages', async () => {
    await using world = await start();
    world.upstream.onJob(jobBody({ id: 'ftjob-2' }));
    const events = Array.from({ length: 900 }, (_, index) => eventBody(`ftevent-${index}`));
    world.upstream.onEvents('ftjob-2', events);
    const client = new AbortController();
    const started = Promise.withResolvers<ServerResponse>();
    world.upstream.on(
      '/fine_tuning/jobs/ftjob-2/events?limit=100&after=ftevent-299',
      (_: unknown, response: ServerResponse) => started.resolve(response),
    );
    const pending = world.gateway.query(
      '{ fineTuningJob(id: "ftjob-2") { metrics { totalPoints } } }',
      {},
      client.signal,
    );
    const closed = once(await started.promise, 'close');
    client.abort();
    await expect(pending).rejects.toThrow();
    await closed;
    const { target } = world.upstream.calls.at(-1) ?? {};
    expect(target).toBe('/fine_tuning/jobs/ftjob-2/events?limit=100&after=ftevent-299');
  });
});

describe('a client that disconnects before its upstream call', () => {
  const FAILING = '{ fineTuningJob(id: "ftjob-3") { id } }';
  const hasDisconnected = ({ gateway }: World) => until(() => gateway.log.some(({ isAborted }) => isAborted === true));

  /** The first attempt of a read has failed, and the read waits for its retry. */
  async function startFailing() {
    const world = await start({ UPSTREAM_RETRIES: '1' });
    const before = world.upstream.calls.length;
    let attempts = 0;
    world.upstream.on('/fine_tuning/jobs/ftjob-3', (_: unknown, response: ServerResponse) =>
      attempts++ === 0 ? writeResponse(response, 503, {}) : writeResponse(response, 200, jobBody({ id: 'ftjob-3' })),
    );
    const client = new AbortController();
    const first = world.gateway.query(FAILING, {}, client.signal);
    await world.clock.timerBelow(501);
    return { world, client, first, calls: () => world.upstream.calls.length - before };
  }

  it('cancels the pending retry', async () => {
    const { world, client, first, calls } = await startFailing();
    client.abort();
    await expect(first).rejects.toThrow();
    await hasDisconnected(world);
    expect(world.clock.timers).toBe(0);
    world.clock.advance(60_000);
    await world.ask(JOB); // Cached: it only gives other work its turn.
    expect(calls()).toBe(1);
    await world[Symbol.asyncDispose]();
  });

  it('does not cancel the pending retry of another client', async () => {
    const { world, client, first, calls } = await startFailing();
    const second = world.gateway.query(FAILING);
    await world.gateway.received(3);
    client.abort();
    await expect(first).rejects.toThrow();
    await hasDisconnected(world);
    world.clock.advance(500);
    expect(await second).toEqual({ data: { fineTuningJob: { id: 'ftjob-3' } } });
    expect(calls()).toBe(2);
    await world[Symbol.asyncDispose]();
  });

  it('leaves the queue of the rate limiter', async () => {
    const world = await startWorld({ UPSTREAM_MAX_RPS: '1' });
    for (const id of ['ftjob-1', 'ftjob-2', 'ftjob-3']) world.upstream.onJob(jobBody({ id }));
    await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }');
    const client = new AbortController();
    const aborted = world.gateway.query('{ fineTuningJob(id: "ftjob-2") { id } }', {}, client.signal);
    await world.clock.timerBelow(1001);
    const next = world.gateway.query('{ fineTuningJob(id: "ftjob-3") { id } }');
    await world.gateway.received(3);
    client.abort();
    await expect(aborted).rejects.toThrow();
    await hasDisconnected(world);
    world.clock.advance(1000);
    expect((await next).errors).toBeUndefined();
    expect(world.targets()).toEqual(['/fine_tuning/jobs/ftjob-1', '/fine_tuning/jobs/ftjob-3']);
    expect(world.clock.timers).toBe(0);
    await world[Symbol.asyncDispose]();
  });
});
