import { describe, expect, it } from 'vitest';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const EVENTS = '/fine_tuning/jobs/ftjob-1/events';

/** A world with one job and these events, newest first. */
async function startWith(...events: unknown[]): Promise<World> {
  const world = await startWorld();
  world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  world.upstream.on(EVENTS, { object: 'list', data: events, has_more: false });
  return world;
}

const query = (selection: string) =>
  `{ fineTuningJob(id: "ftjob-1") { id events { edges { node { ${selection} } } } } }`;

/** The fields of an event whose body has these members too. */
async function readEvent(members: Record<string, unknown>, selection: string): Promise<unknown> {
  await using world = await startWith(eventBody('ftevent-1', members));
  const { fineTuningJob } = await world.ask(query(selection));
  return (fineTuningJob as { events: { edges: { node: unknown }[] } }).events.edges[0]?.node;
}

// As in the guide of the upstream to reinforcement fine-tuning, shortened.
const NESTED = {
  step: 10,
  total_steps: 20,
  train_mean_reward: 0.42,
  usage: { graders: [{ name: 'exact', tokens: { in: 1, out: null } }], samples: {} },
  timing: { step: { eval: 1.5, sampling: 2 }, graders: [] },
};

describe('an event', () => {
  it('has a field for every property', async () => {
    const members = {
      created_at: 1_760_000_123,
      level: 'warn',
      message: 'Paused',
      type: 'message',
      data: { by: 'me' },
    };
    const selection = 'id createdAt level rawLevel message type rawType data job { id status modelId }';
    expect(await readEvent(members, selection)).toEqual({
      id: 'ftevent-1',
      createdAt: 1_760_000_123,
      level: 'WARN',
      rawLevel: 'warn',
      message: 'Paused',
      type: 'MESSAGE',
      rawType: 'message',
      data: { by: 'me' },
      job: { id: 'ftjob-1', status: 'RUNNING', modelId: 'gpt-4.1-mini-2025-04-14' },
    });
  });

  it('of a step has the type METRICS and all measured values', async () => {
    await using world = await startWith(stepBody(7, 240, { valid_loss: 1.25 }));
    expect(await world.ask(query('type message data'))).toMatchObject({
      fineTuningJob: {
        events: {
          edges: [
            {
              node: {
                type: 'METRICS',
                message: 'Step 7/240: training loss=0.76',
                data: { step: 7, total_steps: 240, train_loss: 0.75593, valid_loss: 1.25 },
              },
            },
          ],
        },
      },
    });
  });

  it.each([
    ['null', null, null],
    ['{}', {}, {}],
    ['absent', undefined, null],
    ['nested, as for reinforcement', NESTED, NESTED],
    ['a string', 'none', 'none'],
    ['an empty string', '', ''],
    ['0', 0, 0],
    ['false', false, false],
    ['a list', [1, [2]], [1, [2]]],
  ])('has data in the form of the upstream: %s', async (_, data, expected) => {
    expect(await readEvent({ data }, 'id data')).toEqual({ id: 'ftevent-1', data: expected });
  });

  it.each([
    ['info', 'INFO', 'info'],
    ['warn', 'WARN', 'warn'],
    ['warning', 'WARN', 'warning'],
    ['error', 'ERROR', 'error'],
    ['critical', 'UNKNOWN', 'critical'],
    ['', 'UNKNOWN', ''],
    [null, 'UNKNOWN', ''],
    [undefined, 'UNKNOWN', ''],
    [3, 'UNKNOWN', ''],
  ])('reads the level %j as %s, with rawLevel beside it', async (wire, level, rawLevel) => {
    expect(await readEvent({ level: wire }, 'level rawLevel')).toEqual({ level, rawLevel });
  });

  it.each([
    ['message', 'MESSAGE', 'message'],
    ['metrics', 'METRICS', 'metrics'],
    ['moderation_checks', 'MODERATION_CHECKS', 'moderation_checks'],
    ['usage_policy', 'UNKNOWN', 'usage_policy'],
    [null, null, null],
    [undefined, null, null],
    [3, null, null],
  ])('reads the type %j as %s, with rawType beside it', async (wire, type, rawType) => {
    expect(await readEvent({ type: wire }, 'type rawType')).toEqual({ type, rawType });
  });

  it('has the data of moderation checks unchanged', async () => {
    const results = [{ flagged: false, category: 'violence', enforcement: 'blocking' }];
    const data = { blocked: false, results, finetuned_model_checkpoint_id: 'ft:base:org:s:AAAAAAAA' };
    expect(await readEvent({ type: 'moderation_checks', data }, 'type data')).toEqual({
      type: 'MODERATION_CHECKS',
      data,
    });
  });

  it.each([[null], [undefined], [{ text: 'Job started.' }]])('has an empty message when it is %j', async (message) => {
    expect(await readEvent({ message }, 'id message')).toEqual({ id: 'ftevent-1', message: '' });
  });

  it('truncates fractions of a second, and represents times after 2038', async () => {
    expect(await readEvent({ created_at: 4_102_444_800.9 }, 'createdAt')).toEqual({ createdAt: 4_102_444_800 });
  });

  it('is valid with its id and its time only', async () => {
    await using world = await startWith({ id: 'ftevent-bare', created_at: 1_760_000_000 });
    const bare = { id: 'ftevent-bare', level: 'UNKNOWN', message: '', type: null, rawType: null, data: null };
    expect(await world.ask(query('id level message type rawType data'))).toEqual({
      fineTuningJob: { id: 'ftjob-1', events: { edges: [{ node: bare }] } },
    });
  });
});

describe('an invalid event', () => {
  it.each([
    ['has neither an id nor a creation time', { ...eventBody('x'), id: undefined, created_at: undefined }],
    ['has no creation time', eventBody('ftevent-2', { created_at: null })],
    ['has a string as its creation time', eventBody('ftevent-2', { created_at: 'yesterday' })],
    ['is null', null],
    ['is a string', 'Step 1'],
  ])('is an error of its own when it %s', async (_, invalid) => {
    await using world = await startWith(eventBody('ftevent-3'), invalid, eventBody('ftevent-1'));
    const { data, errors } = await world.gateway.query(query('id'));
    expect(data).toEqual({
      fineTuningJob: {
        id: 'ftjob-1',
        events: { edges: [{ node: { id: 'ftevent-3' } }, { node: null }, { node: { id: 'ftevent-1' } }] },
      },
    });
    expect(errors).toMatchObject([
      {
        path: ['fineTuningJob', 'events', 'edges', 1, 'node'],
        extensions: { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
      },
    ]);
  });

  it('is left out of progress and metrics', async () => {
    await using world = await startWith(stepBody(3, 4), { id: 'ftevent-bad' }, stepBody(1, 4));
    expect(
      await world.ask('{ fineTuningJob(id: "ftjob-1") { progress { step } metrics { points { step } isComplete } } }'),
    ).toEqual({
      fineTuningJob: { progress: { step: 3 }, metrics: { points: [{ step: 1 }, { step: 3 }], isComplete: true } },
    });
  });
});

describe('the events of a job', () => {
  it('are read with the requested number, by default 20', async () => {
    await using world = await startWith(eventBody('ftevent-1'));
    await world.ask(query('id'));
    world.clock.advance(5000);
    await world.ask('{ fineTuningJob(id: "ftjob-1") { events(first: 12) { edges { cursor } } } }');
    const calls = world.upstream.calls.filter(({ target }) => target.startsWith(EVENTS));
    expect(calls.map(({ target }) => target)).toEqual([`${EVENTS}?limit=20`, `${EVENTS}?limit=12`]);
  });

  it('with the same second stay in the order of the upstream', async () => {
    await using world = await startWith(...['c', 'a', 'b'].map((id) => eventBody(`ftevent-${id}`)));
    expect(await world.ask(query('id createdAt'))).toMatchObject({
      fineTuningJob: {
        events: {
          edges: ['c', 'a', 'b'].map((id) => ({ node: { id: `ftevent-${id}`, createdAt: 1_760_000_000 } })),
        },
      },
    });
  });
});
