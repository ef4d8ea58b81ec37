import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOT_ENDED } from '../../../src/store/cache/freshness.ts';
import { type Access, createAccessFactory } from '../../../src/store/cache/scope.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { readFile } from '../../../src/upstream/resources/file.ts';
import { readJob } from '../../../src/upstream/resources/job.ts';
import { createUpstream, type Upstream } from '../../../src/upstream/upstream.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { accessOf, newCaller } from '../../kit/store/access.ts';

const page = { limit: 10, after: null };
const filePage = { ...page, purpose: null, order: 'desc' } as const;
const file = readFile(fileBody('file-1'));

/** A read of each part of the store, by what it reads. */
const PARTS: readonly (readonly [
  string,
  (access: Access, readContext?: ReturnType<typeof newCaller>) => Promise<unknown>,
])[] = [
  ['a job', (access, readContext = newCaller()) => store.jobs.get(access, 'ftjob-1', readContext)],
  ['a list of jobs', (access, readContext = newCaller()) => store.jobs.list(access, page, readContext)],
  ['the head of a log', (access, readContext = newCaller()) => store.events.head(access, 'ftjob-1', 10, readContext)],
  [
    'a page of a log',
    (access, readContext = newCaller()) =>
      store.events.page(access, 'ftjob-1', { limit: 10, after: 'ftevent-step-15' }, readContext),
  ],
  ['checkpoints', (access, readContext = newCaller()) => store.checkpoints.list(access, 'ftjob-1', page, readContext)],
  ['a file', (access, readContext = newCaller()) => store.files.get(access, 'file-1', NOT_ENDED, readContext)],
  ['a list of files', (access, readContext = newCaller()) => store.files.list(access, filePage, readContext)],
  ['a model', (access, readContext = newCaller()) => store.models.get(access, 'gpt-1', NOT_ENDED, readContext)],
  ['the models', (access, readContext = newCaller()) => store.models.list(access, readContext)],
  [
    'results',
    (access, readContext = newCaller()) => store.contents.results(access, 'file-result', NOT_ENDED, readContext),
  ],
  ['a preview', (access, readContext = newCaller()) => store.contents.preview(access, file, 100, readContext)],
];

function scriptAll(): void {
  scripted.onJob(jobBody({ id: 'ftjob-1' }));
  scripted.onJobs([jobBody({ id: 'ftjob-1' })]);
  scripted.onEvents(
    'ftjob-1',
    Array.from({ length: 30 }, (_, index) => stepBody(30 - index, 30)),
  );
  scripted.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1')]);
  scripted.onFiles([fileBody('file-1')]);
  scripted.onModels([modelBody('gpt-1')]);
  scripted.onContent('file-1', 'the first line');
  scripted.onContent('file-result', 'step,train_loss\n1,0.5\n');
}

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
let store: Store;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  upstream = createUpstream({
    baseUrl: new URL(scripted.baseUrl),
    timeoutMs: 5000,
    connections: 8,
    retries: 0,
    maxRps: 100_000,
    clock,
  });
  store = createStore({ upstream, clock, activeMs: 1000, settledMs: 300_000, maxBytes: 10_000_000 });
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

describe('two credentials', () => {
  const pairs = [
    ['keys', { apiKey: 'a' }, { apiKey: 'b' }],
    ['organisations', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', organizationId: 'y' }],
    ['projects', { apiKey: 'a', projectId: 'x' }, { apiKey: 'a', projectId: 'y' }],
    ['places of the same words', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', projectId: 'x' }],
  ] as const;

  it.each(pairs)('of different %s never share a read under way', async (_, one, other) => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    scripted.onJobs([]);
    const gate = scripted.hold();
    const [a, b] = [accessOf(one), accessOf(other)];
    const reads = [a, a, b, b].flatMap((access) => [
      store.jobs.get(access, 'ftjob-1', newCaller()),
      store.jobs.list(access, page, newCaller()),
    ]);
    await gate.arrived(4);
    gate.release();
    await Promise.all(reads);
    expect(scripted.calls).toHaveLength(4);
  });

  it.each(pairs)('of different %s never share a read of any part of the store', async (_, one, other) => {
    scriptAll();
    const gate = scripted.hold();
    const [a, b] = [accessOf(one), accessOf(other)];
    const reads = [a, a, b, b].flatMap((access) => PARTS.map(([, read]) => read(access)));
    await gate.arrived(8); // The sockets that there are.
    gate.release();
    await Promise.all(reads);
    expect(scripted.calls).toHaveLength(2 * PARTS.length);
  });

  it.each(PARTS)('never share what is kept: %s', async (_, read) => {
    scriptAll();
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    await read(mine);
    await read(mine);
    const calls = scripted.calls.length;
    await read(theirs);
    expect(scripted.calls.slice(calls)).toMatchObject([{ authorization: 'Bearer theirs' }]);
  });

  it('never share a log: pages and curves of one come of its own reads', async () => {
    scriptAll();
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    await store.events.head(mine, 'ftjob-1', 30, newCaller());
    scripted.onEvents('ftjob-1', []);
    const behind = { limit: 5, after: 'ftevent-step-20' };
    expect((await store.events.page(mine, 'ftjob-1', behind, newCaller())).items).toHaveLength(5);
    expect((await store.events.page(theirs, 'ftjob-1', behind, newCaller())).items).toEqual([]);
    const head = () => store.events.head(theirs, 'ftjob-1', 30, newCaller());
    expect((await store.metrics.curve(theirs, readJob(jobBody()), head, newCaller())).length).toBe(0);
  });

  it('never share what an id stands for, nor the end of a job', async () => {
    scriptAll();
    scripted.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    scripted.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded' })]);
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    for (const [, read] of PARTS) await read(mine);
    expect(['ftjob-1', 'file-1', 'gpt-1'].map((id) => store.kindOf(mine, id))).toEqual(['job', 'file', 'model']);
    expect(['ftjob-1', 'file-1', 'gpt-1'].map((id) => store.kindOf(theirs, id))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(store.jobs.end(mine, 'ftjob-1').endedAt).toBe(clock.now());
    expect(store.jobs.end(theirs, 'ftjob-1')).toBe(NOT_ENDED);
    expect(store.jobs.end(theirs, 'ftjob-1')).toBe(NOT_ENDED);
  });

  it.each(pairs)('of different %s never share what is kept', async (_, one, other) => {
    scripted.onJobs([jobBody({ id: 'ftjob-1' })]);
    await store.jobs.list(accessOf(one), page, newCaller());
    scripted.onJobs([]);
    expect((await store.jobs.list(accessOf(other), page, newCaller())).items).toEqual([]);
    expect(await store.jobs.get(accessOf(other), 'ftjob-1', newCaller())).toBeNull();
    expect(await store.jobs.get(accessOf(one), 'ftjob-1', newCaller())).toMatchObject({ id: 'ftjob-1' });
  });

  it('are sent each with its own requests', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await store.jobs.get(accessOf({ apiKey: 'a' }), 'ftjob-1', newCaller());
    await store.jobs.get(accessOf({ apiKey: 'b' }), 'ftjob-1', newCaller());
    expect(scripted.calls.map(({ authorization }) => authorization)).toEqual(['Bearer a', 'Bearer b']);
  });

  it('that are equal share a scope, whose name does not give the key away', () => {
    const { scope } = accessOf({ apiKey: 'open-sesame' });
    expect(accessOf({ apiKey: 'open-sesame' }).scope).toBe(scope);
    expect(scope).not.toContain('open-sesame');
    expect(createAccessFactory()({ apiKey: 'open-sesame' }).scope).not.toBe(scope);
  });
});

describe('callers of one read', () => {
  const access = accessOf({ apiKey: 'a' });

  it('charge it to the first of them', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const callers = [newCaller(), newCaller(), newCaller()];
    await Promise.all(callers.map((readContext) => store.jobs.get(access, 'ftjob-1', readContext)));
    expect(callers.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0, 0]);
  });

  it('leave it running for the others, and abort it when the last has left', async () => {
    const gate = scripted.hold();
    const leaving = [new AbortController(), new AbortController()];
    const reads = leaving.map(({ signal }) => store.jobs.get(access, 'ftjob-1', newCaller(signal)));
    const outcomes = Promise.allSettled(reads);
    await gate.arrived(1);
    leaving[0]?.abort(new Error('first left'));
    await expect(reads[0]).rejects.toThrow('first left');
    leaving[1]?.abort(new Error('second left'));
    await gate.abandoned(1);
    expect(await outcomes).toMatchObject([
      { reason: { message: 'first left' } },
      { reason: { message: 'second left' } },
    ]);
    gate.release();
  });

  it.each(PARTS)('abort it when the last has left, and not before: %s', async (_, read) => {
    const gate = scripted.hold();
    const leaving = [new AbortController(), new AbortController()];
    const outcomes = Promise.allSettled(leaving.map(({ signal }) => read(access, newCaller(signal))));
    await gate.arrived(1);
    leaving[0]?.abort(new Error('first left'));
    const third = new AbortController();
    const last = Promise.allSettled([read(access, newCaller(third.signal))]);
    leaving[1]?.abort(new Error('second left'));
    third.abort(new Error('third left'));
    await gate.abandoned(1);
    gate.release();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await last).toMatchObject([{ reason: { message: 'third left' } }]);
    expect(scripted.calls).toHaveLength(1);
  });

  it.each([
    ['results', (readContext = newCaller()) => store.contents.results(access, 'file-1', NOT_ENDED, readContext)],
    ['a preview', (readContext = newCaller()) => store.contents.preview(access, file, 1_000_000, readContext)],
  ])('abort it in the middle of its stream too: %s', async (_, read) => {
    const begun = Promise.withResolvers<ServerResponse>();
    scripted.on('/files/file-1/content', (_: unknown, response: ServerResponse) => {
      response.writeHead(200);
      response.write('step,train_loss\n1,0.5\n', () => begun.resolve(response)); // And nothing more.
    });
    const leaving = new AbortController();
    const reading = read(newCaller(leaving.signal));
    const closed = once(await begun.promise, 'close');
    leaving.abort(new Error('left'));
    await expect(reading).rejects.toThrow('left');
    await closed;
  });

  it('begin anew behind one that was given up', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = scripted.hold();
    const leaving = new AbortController();
    const first = store.jobs.get(access, 'ftjob-1', newCaller(leaving.signal));
    await gate.arrived(1);
    leaving.abort(new Error('left'));
    const second = store.jobs.get(access, 'ftjob-1', newCaller());
    await expect(first).rejects.toThrow('left');
    await gate.arrived(2);
    gate.release();
    expect(await second).toMatchObject({ id: 'ftjob-1' });
  });

  it('that have left already begin nothing', async () => {
    await expect(store.jobs.get(access, 'ftjob-1', newCaller(AbortSignal.abort(new Error('left'))))).rejects.toThrow(
      'left',
    );
    expect(scripted.calls).toEqual([]);
  });
});

describe('what is kept', () => {
  const access = accessOf({ apiKey: 'a' });

  it('does not include what no name can stand for, however much of it is asked for', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 0, maxBytes: 100_000 });
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await small.jobs.get(access, 'ftjob-1', newCaller());
    for (let i = 0; i < 20; i++) await small.jobs.get(access, `${i}`.repeat(20_000), newCaller());
    await small.jobs.get(access, 'ftjob-1', newCaller());
    expect(scripted.calls).toHaveLength(1);
  });

  it('is bounded in bytes: the least recently used goes first', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 0, maxBytes: 50_000 });
    const big = (id: string) => jobBody({ id, metadata: { note: 'x'.repeat(8_000) } });
    for (const id of ['1', '2', '3', '4']) {
      scripted.onJob(big(id));
      await small.jobs.get(access, id, newCaller());
    }
    const calls = scripted.calls.length;
    await small.jobs.get(access, '4', newCaller());
    expect(scripted.calls).toHaveLength(calls);
    await small.jobs.get(access, '1', newCaller());
    expect(scripted.calls).toHaveLength(calls + 1);
  });

  it('never takes more than the bytes it is given, whatever is read', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 300_000, maxBytes: 30_000 });
    scriptAll();
    const everything = async (id: string) => {
      scripted.onJob(jobBody({ id, metadata: { note: 'x'.repeat(200) } }));
      scripted.onEvents(
        id,
        Array.from({ length: 20 }, (_, index) => stepBody(20 - index, 20)),
      );
      scripted.onCheckpoints(id, [checkpointBody(`ftckpt_${id}`)]);
      scripted.onFile(fileBody(`file-${id}`));
      scripted.onContent(`file-${id}`, 'step,train_loss\n1,0.5\n');
      await small.jobs.get(access, id, newCaller());
      await small.events.head(access, id, 20, newCaller());
      await small.checkpoints.list(access, id, page, newCaller());
      await small.files.get(access, `file-${id}`, NOT_ENDED, newCaller());
      await small.contents.results(access, `file-${id}`, NOT_ENDED, newCaller());
    };
    const weights: number[] = [];
    for (let n = 0; n < 30; n++) {
      await everything(`ftjob-${n}`);
      weights.push(small.bytes);
    }
    expect(Math.max(...weights)).toBeLessThanOrEqual(30_000);
    expect(weights.at(-1)).toBeGreaterThan(10_000);
  });

  it('lets a job stay longer than what was read about it, which its end makes worthless', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 300_000, maxBytes: 13_400 });
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    scripted.onCheckpoints('ftjob-1', []);
    await small.jobs.get(access, 'ftjob-1', newCaller());
    await small.checkpoints.list(access, 'ftjob-1', page, newCaller());
    for (let n = 0; n < 5; n++) {
      scripted.onJob(jobBody({ id: `ftjob-other-${n}` }));
      await small.jobs.get(access, `ftjob-other-${n}`, newCaller());
    }
    const calls = scripted.calls.length;
    await small.jobs.get(access, 'ftjob-1', newCaller());
    expect(scripted.calls).toHaveLength(calls);
    await small.checkpoints.list(access, 'ftjob-1', page, newCaller());
    expect(scripted.calls).toHaveLength(calls + 1);
  });

  it('of a file that lacks its content serves for activeMs only: it may come', async () => {
    expect(await store.contents.preview(access, file, 100, newCaller())).toBeNull();
    scripted.onContent('file-1', 'the first line');
    clock.advance(1000);
    expect(await store.contents.preview(access, file, 100, newCaller())).toMatchObject({ text: 'the first line' });
    clock.advance(299_999);
    await store.contents.preview(access, file, 100, newCaller());
    expect(scripted.calls).toHaveLength(2);
  });
});

describe('a model', () => {
  const access = accessOf({ apiKey: 'a' });
  const fresh = () => store.models.getFresh(access, 'gpt-1', NOT_ENDED, newCaller());

  it('is known for settledMs by the list that has shown it', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.list(access, newCaller());
    clock.advance(299_999);
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
    clock.advance(1);
    expect(fresh()).toBeUndefined();
  });

  it('is known by what was read last, of the list and of itself alone', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.list(access, newCaller());
    clock.advance(300_000);
    await store.models.get(access, 'gpt-1', NOT_ENDED, newCaller());
    clock.advance(1000);
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
  });

  it('that is gone from the list may yet be there: some servers leave models out', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.get(access, 'gpt-1', NOT_ENDED, newCaller());
    clock.advance(1000);
    scripted.onModels([]);
    await store.models.list(access, newCaller());
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
    expect(store.kindOf(access, 'gpt-1')).toBe('model');
  });
});

describe('a job that may have changed', () => {
  const access = accessOf({ apiKey: 'one' });
  const other = accessOf({ apiKey: 'two' });
  const targets = () => scripted.calls.map(({ target }) => target.split('?')[0]);

  it('is read anew in every scope that has it, and no other job is', async () => {
    scriptAll();
    scripted.onJob(jobBody({ id: 'ftjob-2' }));
    for (const each of [access, other]) await store.jobs.get(each, 'ftjob-1', newCaller());
    await store.jobs.get(access, 'ftjob-2', newCaller());
    clock.advance(1);
    store.jobs.markStale('ftjob-1');
    for (const each of [access, other]) await store.jobs.get(each, 'ftjob-1', newCaller());
    await store.jobs.get(access, 'ftjob-2', newCaller());
    expect(targets().filter((target) => target === '/fine_tuning/jobs/ftjob-1')).toHaveLength(4);
    expect(targets().filter((target) => target === '/fine_tuning/jobs/ftjob-2')).toHaveLength(1);
  });

  it('is fresh again once it was read, and so is a list', async () => {
    scriptAll();
    store.jobs.markStale('ftjob-1');
    for (let count = 0; count < 2; count++) await store.jobs.get(access, 'ftjob-1', newCaller());
    for (let count = 0; count < 2; count++) await store.jobs.list(access, page, newCaller());
    expect(scripted.calls).toHaveLength(2);
  });

  it('is read anew although it had settled', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', finished_at: 1 }));
    await store.jobs.get(access, 'ftjob-1', newCaller());
    clock.advance(1);
    store.jobs.markStale('ftjob-1');
    await store.jobs.get(access, 'ftjob-1', newCaller());
    expect(scripted.calls).toHaveLength(2);
  });

  it('puts lists and whole answers out of date that were read before', async () => {
    scriptAll();
    await store.jobs.list(access, page, newCaller());
    const generation = store.jobs.generation(access);
    store.jobs.markStale('ftjob-1');
    expect(store.jobs.generation(access)).toBeGreaterThan(generation);
    await store.jobs.list(access, page, newCaller());
    expect(scripted.calls).toHaveLength(2);
  });

  it('makes an answer that was under way meanwhile answer nobody later', async () => {
    scriptAll();
    const readContext = newCaller();
    const gate = scripted.hold();
    const reading = store.jobs.get(access, 'ftjob-1', readContext);
    await gate.arrived(1);
    clock.advance(1);
    store.jobs.markStale('ftjob-1');
    gate.release();
    await reading;
    expect(readContext.freshUntil).toBe(Number.NEGATIVE_INFINITY);
    await store.jobs.get(access, 'ftjob-1', newCaller());
    expect(scripted.calls).toHaveLength(2);
  });
});
