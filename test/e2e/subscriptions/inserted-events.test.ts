import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import type { SseStream } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { type Feed, startFeed } from '../../kit/gateway/feed.ts';

const JOB = 'ftjob-1';
const INTERVAL_MS = 2000; // The default.
const EVENTS = `subscription ($since: ID, $fromStart: Boolean) {
  fineTuningJobEventAdded(jobId: "${JOB}", since: $since, fromStart: $fromStart) { event { id } }
}`;
const STEPS = `subscription ($sinceStep: Int) {
  fineTuningJobMetricsAdded(jobId: "${JOB}", sinceStep: $sinceStep) { point { step } }
}`;
const METRICS = `{ fineTuningJob(id: "${JOB}") { metrics { totalPoints isComplete } } }`;
const FINAL = eventBody('final', { message: 'The job has successfully completed' });

type Body = ReturnType<typeof eventBody>;
const eventsOf = (...ids: string[]) => ids.map((id) => eventBody(id));
const range = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${count - index}`);

/** A running job with these events, newest first. */
async function startWith(...events: Body[]): Promise<Feed> {
  const feed = await startFeed();
  feed.upstream.onJob(jobBody({ id: JOB }));
  feed.upstream.onEvents(JOB, events);
  return feed;
}

/** Sets the log, and waits for the next poll. Returns its calls. */
async function poll({ upstream, advanceBy }: Feed, ...events: Body[]): Promise<string[]> {
  upstream.onEvents(JOB, events);
  return (await advanceBy(INTERVAL_MS)).map(({ target }) => target).filter((target) => target.includes('/events'));
}

/** Reads until the stream is complete: the ids of events, the steps of points, and the codes of errors. */
async function takeAll(stream: SseStream): Promise<unknown[]> {
  const received: unknown[] = [];
  for (let result = await stream.result(); result !== undefined; result = await stream.result()) {
    const { data, errors } = Object(result);
    const { event, point } = data?.fineTuningJobEventAdded ?? data?.fineTuningJobMetricsAdded ?? {};
    received.push(event?.id ?? point?.step ?? errors[0].extensions.code);
  }
  return received;
}

describe('an event that the server inserts behind a known one', () => {
  it('is sent once to each subscriber, wherever it started', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    const variables = [{ fromStart: true }, {}, { since: 'a1' }];
    const streams = await Promise.all(variables.map((one) => feed.subscribe(EVENTS, one)));
    await feed.advanceBy(0);
    await poll(feed, ...eventsOf('a2', 'x', 'a1'));
    await using late = await feed.subscribe(EVENTS, { fromStart: true });
    await poll(feed, ...eventsOf('a3', 'a2', 'x', 'a1'));
    await poll(feed, FINAL, ...eventsOf('a3', 'a2', 'x', 'a1'));
    expect(await Promise.all(streams.map(takeAll))).toEqual([
      ['a1', 'a2', 'x', 'a3', 'final'],
      ['x', 'a3', 'final'],
      ['a2', 'x', 'a3', 'final'],
    ]);
    expect(await takeAll(late)).toEqual(['a1', 'x', 'a2', 'a3', 'final']);
  });

  it('is sent with the newer events that arrive with it, and with the final one', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    await using stream = await feed.subscribe(EVENTS, { fromStart: true });
    await feed.advanceBy(0);
    await poll(feed, FINAL, ...eventsOf('y', 'a3', 'a2', 'x', 'a1', 'w'));
    expect(await takeAll(stream)).toEqual(['a1', 'a2', 'w', 'x', 'a3', 'y', 'final']);
  });

  it('is in events and metrics, in the order of the server', async () => {
    const steps = Array.from({ length: 30 }, (_, index) => stepBody(30 - index, 30));
    await using feed = await startWith(...steps.filter((_, index) => index !== 1));
    await feed.ask(`{ fineTuningJob(id: "${JOB}") { metrics { totalPoints } } }`);
    feed.clock.advance(INTERVAL_MS);
    feed.upstream.onEvents(JOB, steps);
    const events = await feed.ask(`{ fineTuningJob(id: "${JOB}") { events(first: 3) { edges { node { id } } } } }`);
    const newest = steps.slice(0, 3).map(({ id }) => ({ node: { id } }));
    expect(events).toEqual({ fineTuningJob: { events: { edges: newest } } });
    expect(await feed.ask(`{ fineTuningJob(id: "${JOB}") { metrics { totalPoints isComplete } } }`)).toEqual({
      fineTuningJob: { metrics: { totalPoints: 30, isComplete: true } },
    });
  });

  it('is sent once when a query reads it first', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    await using stream = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    feed.clock.advance(1000); // The next poll is later.
    feed.upstream.onEvents(JOB, eventsOf('a2', 'x', 'a1'));
    await feed.ask(`{ fineTuningJob(id: "${JOB}") { events(first: 50) { edges { cursor } } } }`);
    await poll(feed, FINAL, ...eventsOf('a2', 'x', 'a1'));
    expect(await takeAll(stream)).toEqual(['x', 'final']);
  });

  it('is sent with all others when more are inserted than a page holds', async () => {
    await using feed = await startWith(...eventsOf('a3', 'a2', 'a1'));
    const variables = [{ fromStart: true }, {}];
    const streams = await Promise.all(variables.map((one) => feed.subscribe(EVENTS, one)));
    await feed.advanceBy(0);
    const inserted = range('x', 250);
    const calls = await poll(feed, ...eventsOf('a3', 'a2', ...inserted, 'a1'));
    expect(calls.map((target) => /after=(.*)/.exec(target)?.[1])).toEqual([undefined, 'x153', 'x53']);
    expect(await poll(feed, ...eventsOf('a3', 'a2', ...inserted, 'a1'))).toHaveLength(1);
    await poll(feed, FINAL, ...eventsOf('a3', 'a2', ...inserted, 'a1'));
    const oldestFirst = inserted.toReversed();
    expect(await Promise.all(streams.map(takeAll))).toEqual([
      ['a1', 'a2', 'a3', ...oldestFirst, 'final'],
      [...oldestFirst, 'final'],
    ]);
  });

  it.each([150, 250])('is shown with all others when %i are inserted behind the oldest one', async (count) => {
    const steps = range('s', count).map((id, index) => ({ ...stepBody(count - index, count), id }));
    const log = [...eventsOf('a2', 'a1'), ...steps];
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    const streams = await Promise.all([{ fromStart: true }, {}].map((one) => feed.subscribe(EVENTS, one)));
    await feed.advanceBy(0);
    await poll(feed, ...log);
    await poll(feed, FINAL, ...log);
    const added = [...range('s', count).toReversed(), 'final'];
    expect(await Promise.all(streams.map(takeAll))).toEqual([['a1', 'a2', ...added], added]);
    expect(await feed.ask(METRICS)).toEqual({
      fineTuningJob: { metrics: { totalPoints: count, isComplete: true } },
    });
  });

  it('is shown by queries alone when it is behind the oldest one', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    await feed.ask(METRICS);
    const steps = range('s', 150).map((id, index) => ({ ...stepBody(150 - index, 150), id }));
    feed.upstream.onEvents(JOB, [...eventsOf('a2', 'a1'), ...steps]);
    for (const first of [2, 3]) {
      feed.clock.advance(INTERVAL_MS);
      const page = `{ fineTuningJob(id: "${JOB}") { events(first: ${first}) { pageInfo { hasNextPage } } } }`;
      expect(await feed.ask(page)).toEqual({ fineTuningJob: { events: { pageInfo: { hasNextPage: true } } } });
    }
    expect(await feed.ask(METRICS)).toEqual({ fineTuningJob: { metrics: { totalPoints: 150, isComplete: true } } });
  });

  it('is sent to a client that resumes after an event that arrived earlier, and not after a later one', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    await using first = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    await poll(feed, ...eventsOf('a2', 'x', 'a1'));
    await poll(feed, ...eventsOf('a3', 'a2', 'x', 'a1'));
    const streams = await Promise.all(['a2', 'x', 'a3'].map((since) => feed.subscribe(EVENTS, { since })));
    await poll(feed, FINAL, ...eventsOf('a3', 'a2', 'x', 'a1'));
    expect(await Promise.all(streams.map(takeAll))).toEqual([['x', 'a3', 'final'], ['a2', 'a3', 'final'], ['final']]);
    expect(await takeAll(first)).toEqual(['x', 'a3', 'final']);
  });

  it('is sent as a step before lower ones that are newer in the log', async () => {
    const [step9, step10, step11, step12, step13] = [9, 10, 11, 12, 13].map((step) => stepBody(step, 20)) as Body[];
    await using feed = await startWith(...eventsOf(), step10 as Body);
    const streams = await Promise.all([{ sinceStep: 0 }, {}].map((one) => feed.subscribe(STEPS, one)));
    await feed.advanceBy(0);
    const log = [step11, step10, step12, step9] as Body[];
    await poll(feed, ...log);
    const again = { ...step12, id: 'again' } as Body;
    await poll(feed, FINAL, step13 as Body, again, ...log);
    expect(await Promise.all(streams.map(takeAll))).toEqual([
      [10, 9, 12, 11, 13],
      [9, 12, 11, 13],
    ]);
  });

  it('is sent as a step when no other event has its step', async () => {
    const [step1, step2, step3] = [1, 2, 3].map((step) => stepBody(step, 9)) as [Body, Body, Body];
    const again = { ...step1, id: 'again' };
    await using feed = await startWith(step3, step1);
    const variables = [{ sinceStep: 0 }, { sinceStep: 2 }, {}];
    const streams = await Promise.all(variables.map((one) => feed.subscribe(STEPS, one)));
    await feed.advanceBy(0);
    await poll(feed, step3, again, step2, step1);
    await poll(feed, FINAL, step3, again, step2, step1);
    expect(await Promise.all(streams.map(takeAll))).toEqual([[1, 3, 2], [3], [2]]);
  });
});

describe('an item of the log that cannot be read', () => {
  it.each([
    ['without an id', 'Step 1'],
    ['with an id', { id: 'x', created_at: 'never' }],
  ])('is an error of the subscription, %s, and the stream continues', async (_, invalid) => {
    await using feed = await startWith(...eventsOf('a1'));
    const streams = await Promise.all([EVENTS, STEPS].map((query) => feed.subscribe(query)));
    await feed.advanceBy(0);
    const log = (...newer: unknown[]) => ({ object: 'list', data: [...newer, ...eventsOf('a1')], has_more: false });
    for (const newer of [[invalid], [eventBody('a2'), invalid], [FINAL, eventBody('a2'), invalid]]) {
      feed.upstream.on(`/fine_tuning/jobs/${JOB}/events`, log(...newer));
      await feed.advanceBy(INTERVAL_MS);
    }
    expect(await Promise.all(streams.map(takeAll))).toEqual([
      ['UPSTREAM_INVALID_RESPONSE', 'a2', 'final'],
      ['UPSTREAM_INVALID_RESPONSE'],
    ]);
  });

  it('is reported once when an event is inserted directly behind it', async () => {
    await using feed = await startWith(...eventsOf('a2', 'a1'));
    await using stream = await feed.subscribe(EVENTS);
    await feed.advanceBy(0);
    const invalid = { message: 'Step 1', created_at: 'never' };
    for (const data of [
      [eventBody('a2'), invalid, eventBody('a1')],
      [eventBody('a2'), invalid, ...eventsOf('x', 'a1')],
      [invalid, eventBody('a2'), invalid, ...eventsOf('x', 'a1')], // An equal one is another one.
      [FINAL, invalid, eventBody('a2'), invalid, ...eventsOf('x', 'a1')],
    ]) {
      feed.upstream.on(`/fine_tuning/jobs/${JOB}/events`, { object: 'list', data, has_more: false });
      await feed.advanceBy(INTERVAL_MS);
    }
    const error = 'UPSTREAM_INVALID_RESPONSE';
    expect(await takeAll(stream)).toEqual([error, 'x', error, 'final']);
  });

  it('is a result with an error over WebSocket too', async () => {
    await using feed = await startWith(...eventsOf('a1'));
    using socket = await openSocket(feed.gateway.url);
    socket.send(subscribe('1', EVENTS));
    await feed.advanceBy(0);
    const data = [...eventsOf('a2'), null, ...eventsOf('a1')];
    feed.upstream.on(`/fine_tuning/jobs/${JOB}/events`, { object: 'list', data, has_more: false });
    await feed.advanceBy(INTERVAL_MS);
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: {
        data: null,
        errors: [{ path: ['fineTuningJobEventAdded'], extensions: { code: 'UPSTREAM_INVALID_RESPONSE' } }],
      },
    });
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { data: { fineTuningJobEventAdded: { event: { id: 'a2' } } } },
    });
  });
});
