import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { turning } from '../../kit/clock.ts';
import type { GraphqlResponse } from '../../kit/gateway/gateway.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
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
const ACTIVE = [
  '{ fineTuningJobs { edges { node { id } } } }',
  '{ fineTuningJob(id: "ftjob-2") { id } }',
  '{ file(id: "file-2") { id } }',
  '{ files { edges { cursor } } }',
  '{ models { edges { cursor } } }',
];

const DEADLINE_MS = 30_000;
/** Longer than any TTL. */
const LONG_MS = 3_600_000;
const PER_SECOND = 50;

/** A world whose cache has an entry for everything, none of them fresh. */
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
  const activeJob = jobBody({ id: 'ftjob-2' });
  upstream.onJob(job);
  upstream.onJob(activeJob);
  upstream.onJobs([activeJob, job]);
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
  for (const query of [SETTLED, ...ACTIVE]) await world.ask(query);
  world.clock.advance(LONG_MS);
  return world;
}

type Fail = (request: IncomingMessage, response: ServerResponse) => void;
const respond =
  (status: number): Fail =>
  (_, response) =>
    writeResponse(response, status, {});
const OUTAGES: [string, Fail][] = [
  ['503', respond(503)],
  ['500', respond(500)],
  ['429', respond(429)],
  ['closed connections', (_, response) => void response.destroy()],
];

describe('while the upstream is down', () => {
  it.each(OUTAGES)('a settled resource is served from the cache: %s', async (_, fail) => {
    await using world = await start();
    const before = await world.ask(SETTLED);
    world.clock.advance(LONG_MS);
    world.upstream.failAll(fail);
    for (let count = 0; count < 5; count++) {
      const { data, errors } = await turning(world.clock, DEADLINE_MS, world.gateway.query(SETTLED));
      expect(errors).toBeUndefined();
      expect(data).toEqual(before);
      world.clock.advance(1000);
    }
  });

  it.each(ACTIVE)('an active resource is not served from the cache: %s', async (query) => {
    await using world = await start({ UPSTREAM_RETRIES: '0' });
    world.upstream.failAll(respond(503));
    for (let count = 0; count < 10; count++) {
      expect((await world.gateway.query(query)).errors?.[0]?.extensions).toMatchObject({ upstreamStatus: 503 });
    }
    expect((await world.gateway.query(query)).errors).toEqual([
      expect.objectContaining({ extensions: { code: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 2 } }),
    ]);
  });

  it.each([401, 403, 422])(
    'a response of %i is not an outage: a settled resource is not served from the cache',
    async (status) => {
      await using world = await start();
      world.upstream.failAll(respond(status));
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

  it('a deleted job is not served from the cache', async () => {
    await using world = await start();
    world.upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: ServerResponse) =>
      writeResponse(response, 404, {
        error: { message: 'Could not find fine tune: ftjob-1', code: 'fine_tune_not_found' },
      }),
    );
    expect(await world.ask('{ fineTuningJob(id: "ftjob-1") { id } }')).toEqual({ fineTuningJob: null });
  });

  it('a cached response does not count as fresh: the upstream is called again after the outage', async () => {
    await using world = await start();
    world.upstream.failAll(respond(503));
    const query = '{ fineTuningJob(id: "ftjob-1") { suffix } }';
    const during = await turning(world.clock, DEADLINE_MS, world.gateway.query(query));
    expect(during).toEqual({ data: { fineTuningJob: { suffix: null } } });
    world.upstream.failAll(null);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', user_provided_suffix: 'new' }));
    expect(await world.gateway.query(query)).toEqual({ data: { fineTuningJob: { suffix: 'new' } } });
  });
});

const PER_TICK = 5;

/** Sends 50 queries per second of the test clock for a minute, five at a time. */
async function queryForAMinute({ clock, gateway, upstream }: World, queryOf: (index: number) => string) {
  const before = upstream.calls.length;
  const responses: Promise<GraphqlResponse>[] = [];
  for (let index = 0; index < 60 * PER_SECOND; index++) {
    if (index % PER_TICK === 0) {
      await gateway.query('{ __typename }'); // The gateway has received the others by then.
      clock.advance((1000 * PER_TICK) / PER_SECOND);
    }
    responses.push(gateway.query(queryOf(index)));
  }
  return {
    responses: await turning(clock, DEADLINE_MS, Promise.all(responses)),
    calls: upstream.calls.length - before,
  };
}

describe('an outage of a minute under 50 queries a second', () => {
  it('costs only its first failures and the probes, serves settled resources throughout, and ends with one probe', async () => {
    await using world = await start();
    const cached = await world.ask(SETTLED);
    world.clock.advance(LONG_MS);
    world.upstream.failAll(respond(503));
    const queryOf = (index: number) => (index % 2 === 0 ? SETTLED : (ACTIVE[((index - 1) / 2) % ACTIVE.length] ?? ''));
    const { responses, calls } = await queryForAMinute(world, queryOf);

    const [settled, active] = [0, 1].map((rest) => responses.filter((_, index) => index % 2 === rest));
    for (const response of settled ?? []) expect(response).toEqual({ data: cached });
    const refusals = (active ?? []).map(({ errors }) => errors?.[0]?.extensions ?? {});
    expect(refusals).toHaveLength(30 * PER_SECOND);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['UPSTREAM_UNAVAILABLE']));
    const sent = refusals.filter(({ retryAfterSeconds }) => retryAfterSeconds === undefined);
    expect(sent.length).toBeLessThan(100);
    expect(calls).toBeLessThan(60); // Far below a tenth of 3,000 queries.

    world.upstream.failAll(null);
    const activeQuery = '{ fineTuningJob(id: "ftjob-2") { id } }';
    const { errors } = await world.gateway.query(activeQuery);
    const seconds = Number(errors?.[0]?.extensions['retryAfterSeconds']);
    expect(seconds).toBeLessThanOrEqual(15);
    world.clock.advance(seconds * 1000);
    expect(await world.callsOf(activeQuery)).toHaveLength(1);
    for (const query of [SETTLED, ...ACTIVE]) await world.ask(query);
  });

  it('has at most one retry per ten calls, beside the initial budget of ten, when each response is 500', async () => {
    await using world = await start();
    world.upstream.failAll(respond(500));
    const { responses, calls } = await queryForAMinute(
      world,
      (index) => `{ fineTuningJob(id: "ftjob-new-${index}") { id } }`,
    );
    expect(responses.every(({ errors }) => errors?.[0]?.extensions['code'] === 'UPSTREAM_UNAVAILABLE')).toBe(true);
    const queries = responses.length;
    expect(calls).toBeGreaterThan(queries);
    expect(calls).toBeLessThanOrEqual(queries * 1.1 + 10);
  });
});
