import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { eventFollowers } from '../../kit/client/event-followers.ts';
import { followers } from '../../kit/client/followers.ts';
import { type CreateUpstream, startCreateUpstream } from '../../kit/fleet/create-upstream.ts';
import { startFleet } from '../../kit/fleet/fleet.ts';
import { startLoad } from '../../kit/fleet/load.ts';
import { startOldRedis } from '../../kit/fleet/old-redis.ts';
import { redisProgram } from '../../kit/fleet/redis-server.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { hasNginx, startNginx } from '../../kit/process/nginx.ts';
import { until } from '../../kit/until.ts';

const QUERIED = 'ftjob-queried';
const FOLLOWED = 'ftjob-followed';
const LAST_EVENT = 'ftevent-last';
const REPLICAS = 3;
const { environment } = parse(readFileSync('deploy/compose.fleet.yaml', 'utf8'))['x-gateway'];
const SETTINGS = {
  IDLE_DRAIN_MS: environment.IDLE_DRAIN_MS,
  POLL_INTERVAL_MS: '100',
  ALLOW_MUTATIONS: 'on',
  MAX_CREATES_PER_DAY: '100000',
  RATE_LIMIT_PER_MINUTE: '0',
  UPSTREAM_MAX_RPS: '1000',
};

interface State {
  readonly tokens: number;
  readonly status: string;
}

/** A job that changes its status and has a new event with each read, until it ends. */
function createChangingJob(upstream: CreateUpstream) {
  let [reads, isOver] = [0, false];
  const events: { readonly id: string }[] = []; // Newest first.
  const addEvent = (id: string) => events.unshift(eventBody(id, { created_at: 1_760_000_000 + reads }));
  const job = () => {
    const status = isOver ? 'succeeded' : ['running', 'paused'][reads % 2];
    return jobBody({ id: FOLLOWED, status, trained_tokens: reads });
  };
  upstream.onEvents(FOLLOWED, events);
  upstream.on(`/fine_tuning/jobs/${FOLLOWED}`, (_: IncomingMessage, response: ServerResponse) => {
    if (!isOver) addEvent(`ftevent-${++reads}`);
    writeResponse(response, 200, job());
  });
  return {
    /** Ends the job. Returns the number of its reads before, and the ids of its events. */
    end() {
      isOver = true;
      addEvent(LAST_EVENT);
      return { reads, eventIds: events.map(({ id }) => id).reverse() };
    },
  };
}

describe.skipIf(redisProgram === null || !hasNginx())('three replicas behind nginx', () => {
  beforeAll(() => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'; // The certificate of the test is self-signed.
  });
  afterAll(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  });

  it('restart one after the other under load: no query fails, no change is lost, no job is doubled', async () => {
    await using redis = await startOldRedis();
    await using upstream = await startCreateUpstream();
    upstream.onJob(jobBody({ id: QUERIED, status: 'running' }));
    const job = createChangingJob(upstream);
    await using fleet = await startFleet(upstream.baseUrl, redis.url, SETTINGS, REPLICAS);
    await using nginx = await startNginx(fleet.urls);
    const load = startLoad(nginx.url, QUERIED, 8);
    const states = createRecords<State>(followers);
    const events = createRecords<string>(eventFollowers);
    const follows = [
      ...Object.entries(followers).map(([name, follow]) =>
        follow({ url: nginx.url, id: FOLLOWED }, ({ fineTuningJobStatusChanged: { status, job } }) => {
          states[name]?.push({ tokens: job.trainedTokens ?? 0, status });
        }),
      ),
      ...Object.entries(eventFollowers).map(([name, follow]) =>
        follow(nginx.url, FOLLOWED, (id) => {
          events[name]?.push(id);
          return id === LAST_EVENT;
        }),
      ),
    ];
    const all = Promise.all(follows);
    const haveBegun = () => [...Object.values(states), ...Object.values(events)].every(({ length }) => length > 0);
    await Promise.race([until(haveBegun), all]);
    for (let index = 0; index < fleet.urls.length; index++) {
      await fleet.restart(index);
      const answers = load.answers;
      await until(() => load.answers > answers + 100);
    }
    await load.stop();
    const { reads, eventIds } = job.end();
    await all;

    expect(load.failures.map(String).join('\n')).toBe('');
    expect(new Set(load.created.values()).size).toBe(load.created.size);
    expect(upstream.posts()).toBe(load.created.size);
    for (const [name, seen] of Object.entries(states)) expectOrder(name, seen, reads);
    for (const [name, ids] of Object.entries(events)) expect(ids, name).toEqual(eventIds);
  });
});

/** An empty list for each name. */
const createRecords = <T>(names: object) =>
  Object.fromEntries(Object.keys(names).map((name): [string, T[]] => [name, []]));

/**
 * Expects states in the order of the reads, ending in the last one. A client that reconnects gets the present state, which it
 * can have seen.
 */
function expectOrder(name: string, seen: readonly State[], reads: number): void {
  const ranks = seen.map(({ tokens, status }) => (status === 'SUCCEEDED' ? reads + 1 : tokens));
  expect(ranks, name).toEqual(ranks.toSorted((a, b) => a - b));
  expect(ranks.at(-1), name).toBe(reads + 1);
  expect(ranks.length - new Set(ranks).size, name).toBeLessThanOrEqual(REPLICAS);
}
