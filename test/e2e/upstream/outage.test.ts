import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { turning } from '../../kit/clock.ts';
import type { Answer } from '../../kit/gateway/gateway.ts';
import { answer } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

const SETTLED = `{ fineTuningJob(id: "ftjob-1") {
  id status
  model { id } fineTunedModel { id }
  trainingFile { id filename preview { text } } resultFiles { id }
  events(first: 2) { edges { node { id } } }
  checkpoints { edges { node { id fineTunedModel { id } } } }
  metrics { totalPoints points { step trainLoss } }
  progress { step }
} node(id: "ftjob-1") { id } file(id: "file-1") { id } }`;
const MOVING = [
  '{ fineTuningJobs { edges { node { id } } } }',
  '{ fineTuningJob(id: "ftjob-2") { id } }',
  '{ file(id: "file-2") { id } }',
  '{ files { edges { cursor } } }',
  '{ models { edges { cursor } } }',
];

const DEADLINE_MS = 30_000;
/** Longer than anything is fresh. */
const LONG_MS = 3_600_000;
const PER_SECOND = 50;

/** A world in which all has been seen, long ago. */
async function start(settings: Record<string, string> = {}): Promise<World> {
  const world = await startWorld({
    UPSTREAM_RETRIES: '2',
    UPSTREAM_MAX_RPS: '50',
    RATE_LIMIT_PER_MINUTE: '0',
    ...settings,
  });
  const { upstream } = world;
  const job = jobBody({
    id: 'ftjob-1',
    status: 'succeeded',
    finished_at: world.seconds() - 3600,
    model: 'base',
    fine_tuned_model: 'tuned',
    training_file: 'file-1',
    result_files: ['file-results'],
  });
  const moving = jobBody({ id: 'ftjob-2' });
  upstream.onJob(job);
  upstream.onJob(moving);
  upstream.onJobs([moving, job]);
  upstream.onModels(['base', 'tuned', 'tuned:1'].map((id) => modelBody(id)));
  upstream.onFiles([
    fileBody('file-1'),
    fileBody('file-2', { status: 'uploaded' }),
    fileBody('file-results', { purpose: 'fine-tune-results' }),
  ]);
  upstream.onContent('file-1', '{}\n');
  upstream.onContent('file-results', 'step,train_loss\n1,0.5\n');
  upstream.onEvents('ftjob-1', [eventBody('ftevent-2'), eventBody('ftevent-1')]);
  upstream.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1', { fine_tuned_model_checkpoint: 'tuned:1' })]);
  for (const query of [SETTLED, ...MOVING]) await world.ask(query);
  world.clock.advance(LONG_MS);
  return world;
}

type Fail = (request: IncomingMessage, response: ServerResponse) => void;
const tell =
  (status: number): Fail =>
  (_, response) =>
    answer(response, status, {});
const OUTAGES: [string, Fail][] = [
  ['503', tell(503)],
  ['500', tell(500)],
  ['429', tell(429)],
  ['closed connections', (_, response) => void response.destroy()],
];

describe('while the upstream is down', () => {
  it.each(OUTAGES)('what had settled is answered as it was: %s', async (_, fail) => {
    await using world = await start();
    const before = await world.ask(SETTLED);
    world.clock.advance(LONG_MS);
    world.upstream.failAll(fail);
    for (let time = 0; time < 5; time++) {
      const { data, errors } = await turning(world.clock, DEADLINE_MS, world.gateway.query(SETTLED));
      expect(errors).toBeUndefined();
      expect(data).toEqual(before);
      world.clock.advance(1000);
    }
  });

  it.each(MOVING)('what still moves is not: %s', async (query) => {
    await using world = await start({ UPSTREAM_RETRIES: '0' });
    world.upstream.failAll(tell(503));
    for (let time = 0; time < 10; time++) {
      expect((await world.gateway.query(query)).errors?.[0]?.extensions).toMatchObject({ upstreamStatus: 503 });
    }
    expect((await world.gateway.query(query)).errors).toEqual([
      expect.objectContaining({ extensions: { code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 } }),
    ]);
  });

  it.each([401, 403, 422])(
    'an answer of %i is no outage: what had settled is asked for, and not answered',
    async (status) => {
      await using world = await start();
      world.upstream.failAll(tell(status));
      const { data, errors } = await world.gateway.query(
        '{ fineTuningJob(id: "ftjob-1") { id } file(id: "file-1") { id } }',
      );
      expect(data).toEqual({ fineTuningJob: null, file: null });
      expect(errors).toMatchObject([
        { extensions: { upstreamStatus: status } },
        { extensions: { upstreamStatus: status } },
      ]);
    },
  );

  it('a job that has gone is not answered from what was seen', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: ServerResponse) =>
      answer(response, 404, { error: { message: 'Could not find fine tune: ftjob-1', code: 'fine_tune_not_found' } }),
    );
    expect(await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }')).toEqual({ fineTuningJob: null });
  });

  it('what was answered so is not kept as if it was new: the upstream is asked when it is back', async () => {
    await using world = await start();
    world.upstream.failAll(tell(503));
    const query = '{ fineTuningJob(id: "ftjob-1") { suffix } }';
    const during = await turning(world.clock, DEADLINE_MS, world.gateway.query(query));
    expect(during).toEqual({ data: { fineTuningJob: { suffix: null } } });
    world.upstream.failAll(null);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', user_provided_suffix: 'new' }));
    expect(await world.gateway.query(query)).toEqual({ data: { fineTuningJob: { suffix: 'new' } } });
  });
});

const PER_TICK = 5;

/** Sends 50 queries a second for a minute, five at a time, each the query of its turn; advances the clock meanwhile. */
async function askForAMinute({ clock, gateway, upstream }: World, queryOf: (turn: number) => string) {
  const before = upstream.calls.length;
  const answers: Promise<Answer>[] = [];
  for (let turn = 0; turn < 60 * PER_SECOND; turn++) {
    if (turn % PER_TICK === 0) {
      await gateway.query('{ __typename }'); // The gateway has received the others by then.
      clock.advance((1000 * PER_TICK) / PER_SECOND);
    }
    answers.push(gateway.query(queryOf(turn)));
  }
  return { answers: await turning(clock, DEADLINE_MS, Promise.all(answers)), calls: upstream.calls.length - before };
}

describe('an outage of a minute under 50 queries a second', () => {
  it('costs but its first failures and the probes, settled things are answered throughout, and one probe ends it', async () => {
    await using world = await start();
    const whole = await world.ask(SETTLED);
    world.clock.advance(LONG_MS);
    world.upstream.failAll(tell(503));
    const queryOf = (turn: number) => (turn % 2 === 0 ? SETTLED : (MOVING[((turn - 1) / 2) % MOVING.length] ?? ''));
    const { answers, calls } = await askForAMinute(world, queryOf);

    const [ofSettled, ofMoving] = [0, 1].map((rest) => answers.filter((_, turn) => turn % 2 === rest));
    for (const answer of ofSettled ?? []) expect(answer).toEqual({ data: whole });
    const refusals = (ofMoving ?? []).map(({ errors }) => errors?.[0]?.extensions ?? {});
    expect(refusals).toHaveLength(30 * PER_SECOND);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['UPSTREAM_UNAVAILABLE']));
    const asked = refusals.filter(({ retryAfterSeconds }) => retryAfterSeconds === undefined);
    expect(asked.length).toBeLessThan(100);
    expect(calls).toBeLessThan(60); // Of 3,000 queries: far below one in ten.

    world.upstream.failAll(null);
    const moving = '{ fineTuningJob(id: "ftjob-2") { id } }';
    const { errors } = await world.gateway.query(moving);
    const seconds = Number(errors?.[0]?.extensions['retryAfterSeconds']);
    expect(seconds).toBeLessThanOrEqual(15);
    world.clock.advance(seconds * 1000);
    expect(await world.callsOf(moving)).toHaveLength(1);
    for (const query of [SETTLED, ...MOVING]) await world.ask(query);
  });

  it('has at most one try again in ten calls, beside ten that were saved up, when each call is answered with 500', async () => {
    await using world = await start();
    world.upstream.failAll(tell(500));
    const { answers, calls } = await askForAMinute(
      world,
      (turn) => `{ fineTuningJob(id: "ftjob-of-turn-${turn}") { id } }`,
    );
    expect(answers.every(({ errors }) => errors?.[0]?.extensions['code'] === 'UPSTREAM_UNAVAILABLE')).toBe(true);
    const queries = answers.length;
    expect(calls).toBeGreaterThan(queries);
    expect(calls).toBeLessThanOrEqual(queries * 1.1 + 10);
  });
});
